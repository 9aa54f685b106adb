-- Counts one more mention for members whose counters of the room are kept; the others read the store when they ask.
--
-- KEYS …  unread: hash of each member, conversation id → "read readMessages mentions"
-- ARGV 1  conversation id

for _, key in ipairs(KEYS) do
  local kept = redis.call('HGET', key, ARGV[1])
  if kept then
    local head, mentions = string.match(kept, '^(%d+ %d+ )(%d+)$')
    redis.call('HSET', key, ARGV[1], head .. string.format('%d', mentions + 1))
  end
end
