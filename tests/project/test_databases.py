import pytest
from django.db import connection


@pytest.mark.django_db
def test_the_test_database_is_migrated():
    with connection.cursor() as cursor:
        cursor.execute("select count(*) from django_migrations")
        assert cursor.fetchone()[0] > 0
