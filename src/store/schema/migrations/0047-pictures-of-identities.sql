-- The URL of the picture that was last taken over from an identity provider: one that people chose here stays until it changes there.
alter table identities add column picture text;
