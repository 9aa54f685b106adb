-- Removes sessions of one user, unless they were refreshed meanwhile.
--
-- KEYS 1  sessions: hash, session id → "deadline entry", the time in ms and the entry as JSON
-- ARGV 1  only those whose deadline is not after this, ms; "inf" for all   2…  session ids

for i = 2, #ARGV do
  local kept = redis.call('HGET', KEYS[1], ARGV[i])
  if kept and tonumber(string.match(kept, '^%S+')) <= tonumber(ARGV[1]) then
    redis.call('HDEL', KEYS[1], ARGV[i])
  end
end
