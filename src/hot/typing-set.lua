-- A member types in a room, or stopped.
--
-- KEYS 1  typing: sorted set, member by the time at which it decays, ms
-- ARGV 1  member   2  now, ms   3  deadline, ms; "" when stopped   4  time to live of the key, ms
-- Returns 1 when that changed anything, else 0

redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[2])
if ARGV[3] == '' then return redis.call('ZREM', KEYS[1], ARGV[1]) end
local added = redis.call('ZADD', KEYS[1], ARGV[3], ARGV[1])
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[4]) then redis.call('PEXPIRE', KEYS[1], ARGV[4]) end
return added
