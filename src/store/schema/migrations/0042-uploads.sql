-- Files that are being received in parts. What is whole becomes a row of attachments under the same id.
create table uploads (
  id text collate "C" primary key,
  owner text collate "C" not null,
  organization_id bigint,
  filename text not null,
  -- The media type that the client names; the content tells it first.
  type text not null,
  size bigint not null,
  -- The hash of the whole, in hex: what the client says, or what the first whole of it had.
  sha256 text,
  -- How many bytes from the start are stored.
  received bigint not null default 0,
  created_at bigint not null,
  expires_at bigint not null
);
create index uploads_owner on uploads (owner);
create index uploads_expired on uploads (expires_at);

-- The bytes of a part are stored under its key, as those of a file are. Parts of an upload that is over have to go.
create table upload_parts (
  key text collate "C" primary key,
  upload_id text collate "C" not null,
  start bigint not null,
  size bigint not null,
  -- Whether it belongs to the bytes that were received; one that is being stored, or came too late, does not.
  taken boolean not null default false
);
create index upload_parts_upload on upload_parts (upload_id, start);
