-- Notes an access token under its login or user, whose end drops all of its tokens. Removes expired ones.
--
-- KEYS 1  index: sorted set, hash of a token by the time at which it runs out, ms
-- ARGV 1  hash   2  runs out at, ms   3  now, ms

redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[3])
redis.call('ZADD', KEYS[1], ARGV[2], ARGV[1])
local ttl = ARGV[2] - ARGV[3]
if redis.call('PTTL', KEYS[1]) < ttl then redis.call('PEXPIRE', KEYS[1], string.format('%.0f', ttl)) end
