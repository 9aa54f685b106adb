-- Run once, by the PostgreSQL image on an empty volume: a role and a database of its own for each of Causeway and Synapse.
-- Neither is a superuser, and neither may connect to the other's. Synapse insists on the C locale.
\set causeway_password `cat /run/secrets/causeway-database-password`
\set synapse_password `cat /run/secrets/synapse-database-password`
CREATE ROLE causeway LOGIN PASSWORD :'causeway_password';
CREATE DATABASE causeway OWNER causeway;
REVOKE CONNECT ON DATABASE causeway FROM PUBLIC;
CREATE ROLE synapse LOGIN PASSWORD :'synapse_password';
CREATE DATABASE synapse OWNER synapse ENCODING 'UTF8' LOCALE 'C' TEMPLATE template0;
REVOKE CONNECT ON DATABASE synapse FROM PUBLIC;
