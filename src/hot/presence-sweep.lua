-- Forgets members of a room who were last active too long ago.
--
-- KEYS 1  active: sorted set, member by last ping, ms
--      2  names: hash, member → shown name
-- ARGV 1  pings at or before this count no more, ms   2  at most so many at once
-- Returns { how many were forgotten, the oldest ping that is left or "" }

local stale = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[1], 'LIMIT', 0, ARGV[2])
for _, member in ipairs(stale) do
  redis.call('ZREM', KEYS[1], member)
  redis.call('HDEL', KEYS[2], member)
end
local oldest = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')
return { #stale, oldest[2] or '' }
