"""Every change of the keys is announced and marked by the database itself, whoever makes it.

The mark changes in the same transaction as the key, so who polls it never sees the one without
the other; the notice comes when that transaction commits.
"""

from django.db import migrations

CREATE = """
CREATE TABLE accounts_keyversion (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    version uuid NOT NULL DEFAULT gen_random_uuid()
);
INSERT INTO accounts_keyversion DEFAULT VALUES;
CREATE FUNCTION accounts_announce_keys() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE accounts_keyversion SET version = gen_random_uuid();
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
DROP TABLE accounts_keyversion;
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_initial")]
    operations = [migrations.RunSQL(CREATE, DROP)]
