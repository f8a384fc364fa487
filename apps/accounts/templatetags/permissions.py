"""`{% if request.user|may:"read_decisions" %}`: templates ask the same table as views."""

from django import template

from apps.accounts import permissions

register = template.Library()
register.filter("may", permissions.may)
