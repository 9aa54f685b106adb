-- People who sign in through an identity provider (OpenID Connect), the logins that came from there, and codes for apps.

create table identities (
  id bigint generated always as identity primary key,
  user_id bigint not null references users,
  issuer text not null,
  subject text not null,
  -- What the provider last called the person: a name that people changed here stays until it changes there.
  name text,
  created_at bigint not null default causeway_now(),
  unique (issuer, subject)
);
create index identities_user on identities (user_id);

-- Null: the login began with a password.
alter table logins add column identity_id bigint references identities on delete cascade;
alter table logins add column provider_session text;
create index logins_identity on logins (identity_id) where identity_id is not null;
create index logins_provider_session on logins (provider_session) where provider_session is not null;

-- An app exchanges such a code for a login, once.
create table login_codes (
  hash bytea primary key,
  identity_id bigint not null references identities on delete cascade,
  provider_session text,
  challenge text not null,
  persistent boolean not null,
  created_at bigint not null default causeway_now(),
  expires_at bigint not null
);
create index login_codes_identity on login_codes (identity_id);
create index login_codes_expiry on login_codes (expires_at);
