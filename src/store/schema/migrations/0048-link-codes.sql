-- What a signed-in user exchanges to be linked to a person of an identity provider, once. The user who takes a code may repeat it.
create table link_codes (
  hash bytea primary key,
  issuer text not null,
  subject text not null,
  name text,
  picture text,
  challenge text not null,
  taken_by bigint references users,
  expires_at bigint not null
);
create index link_codes_expiry on link_codes (expires_at);
