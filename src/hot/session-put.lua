-- Adds or refreshes sessions of one user.
--
-- KEYS 1  sessions: hash, session id → "deadline entry", the time in ms and the entry as JSON
-- ARGV 1  least time to live of the key, ms   2…  session id, deadline and entry, …

for i = 2, #ARGV, 2 do redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1]) end
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[1]) then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
