"""The first page: what needs somebody now, then how the range went beside the one before it."""

from apps.dashboards.overview.page import overview_page as overview_page
