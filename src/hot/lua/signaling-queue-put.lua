-- Puts messages into a signaling queue; the oldest are dropped when it is full.
--
-- KEYS 1  queue: list
-- ARGV 1  the most it holds   2  time to live of the key, ms   3…  messages

for i = 3, #ARGV do redis.call('RPUSH', KEYS[1], ARGV[i]) end
redis.call('LTRIM', KEYS[1], -tonumber(ARGV[1]), -1)
redis.call('PEXPIRE', KEYS[1], ARGV[2])
