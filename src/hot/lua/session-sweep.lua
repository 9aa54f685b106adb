-- Removes decayed sessions from one shard of the index of all sessions.
--
-- KEYS 1  deadlines: sorted set, session id by the time at which it decays, ms
--      2  users: hash, session id → user id
-- ARGV 1  now, ms   2  at most so many at once
-- Returns { session id, user id, … }

local removed = {}
for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[1], 'LIMIT', 0, ARGV[2])) do
  removed[#removed + 1] = id
  removed[#removed + 1] = redis.call('HGET', KEYS[2], id) or '0'
  redis.call('ZREM', KEYS[1], id)
  redis.call('HDEL', KEYS[2], id)
end
return removed
