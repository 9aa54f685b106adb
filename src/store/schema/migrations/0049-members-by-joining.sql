-- A page of the members of a large room is read in the order in which they came, without sorting all of them.
create index memberships_joined on memberships (conversation_id, joined_seq, member);
