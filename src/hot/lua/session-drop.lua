-- Removes sessions from their users, except those that were refreshed.
--
-- KEYS …  for each session the sessions of its user: hash, session id → "deadline entry", ms and the entry as JSON
-- ARGV 1  only those whose deadline is not after this, ms; "inf" for all   2…  for each key its session id

for i, key in ipairs(KEYS) do
  local kept = redis.call('HGET', key, ARGV[i + 1])
  if kept and tonumber(string.match(kept, '^%S+')) <= tonumber(ARGV[1]) then
    redis.call('HDEL', key, ARGV[i + 1])
  end
end
