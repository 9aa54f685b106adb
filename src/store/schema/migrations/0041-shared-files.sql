-- Files of forwarded messages: rows of their own over the bytes of the file that was forwarded.

-- The file under whose id the bytes are; null: the file's own. The row of that file stays as long as rows refer to it.
alter table attachments add column content text collate "C";
create index attachments_content on attachments (content) where content is not null;

-- Where the bytes of a file are in Matrix, so that each is uploaded once.
create table bridge_media (
  content text collate "C" primary key references attachments (id) on delete cascade,
  url text not null
);
