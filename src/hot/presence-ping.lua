-- A member is active in a room now. Forgets who was last active too long ago.
--
-- KEYS 1  active: sorted set, member by last ping, ms
--      2  names: hash, member → shown name
-- ARGV 1  member   2  name   3  now, ms   4  pings at or before this count no more, ms   5  time to live of the keys, ms
-- Returns 1 when the member was not active before, else 0

local stale = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[4], 'LIMIT', 0, 100)
for _, member in ipairs(stale) do
  redis.call('ZREM', KEYS[1], member)
  redis.call('HDEL', KEYS[2], member)
end
local before = redis.call('ZSCORE', KEYS[1], ARGV[1])
redis.call('ZADD', KEYS[1], ARGV[3], ARGV[1])
redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[5])
redis.call('PEXPIRE', KEYS[2], ARGV[5])
return (before and tonumber(before) > tonumber(ARGV[4])) and 0 or 1
