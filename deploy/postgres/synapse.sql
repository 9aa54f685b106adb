-- Run once, by the PostgreSQL image on an empty volume: Synapse's own role and database. Synapse insists on the C locale.
\getenv password SYNAPSE_DATABASE_PASSWORD
CREATE ROLE synapse LOGIN PASSWORD :'password';
CREATE DATABASE synapse OWNER synapse ENCODING 'UTF8' LOCALE 'C' TEMPLATE template0;
