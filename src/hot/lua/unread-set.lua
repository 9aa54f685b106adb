-- Sets a member's counters in some rooms, except where a later read marker is kept already.
--
-- KEYS 1  unread: hash, conversation id → "read readMessages mentions"
-- ARGV 1  time to live of the key, ms   2…  conversation id, read, readMessages, mentions, …

for i = 2, #ARGV, 4 do
  local kept = redis.call('HGET', KEYS[1], ARGV[i])
  if not kept or tonumber(string.match(kept, '^%d+')) <= tonumber(ARGV[i + 1]) then
    redis.call('HSET', KEYS[1], ARGV[i], table.concat({ ARGV[i + 1], ARGV[i + 2], ARGV[i + 3] }, ' '))
  end
end
redis.call('PEXPIRE', KEYS[1], ARGV[1])
