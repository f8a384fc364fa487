"""Every change of the keys is announced by the database itself, whoever makes it."""

from django.db import migrations

CREATE = """
CREATE FUNCTION accounts_announce_keys() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('routerctl_keys', '');
    RETURN NULL;
END $$;
CREATE TRIGGER accounts_apikey_announce
    AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON accounts_apikey
    FOR EACH STATEMENT EXECUTE FUNCTION accounts_announce_keys();
"""
DROP = """
DROP TRIGGER accounts_apikey_announce ON accounts_apikey;
DROP FUNCTION accounts_announce_keys();
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_initial")]
    operations = [migrations.RunSQL(CREATE, DROP)]
