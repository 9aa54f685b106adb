-- A user is one person at an issuer. An e-mail address that an issuer gives to somebody else names the user no more.
create unique index identities_of_user on identities (user_id, issuer);
drop index identities_user;
