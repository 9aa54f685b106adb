-- Adds or refreshes sessions with their users.
--
-- KEYS …  for each session the sessions of its user: hash, session id → "deadline entry", ms and the entry as JSON
-- ARGV 1  least time to live of the keys, ms   2…  for each key session id, deadline and entry, …

for i, key in ipairs(KEYS) do
  redis.call('HSET', key, ARGV[2 * i], ARGV[2 * i + 1])
  if redis.call('PTTL', key) < tonumber(ARGV[1]) then redis.call('PEXPIRE', key, ARGV[1]) end
end
