-- Publishes many messages as one command: the client and the network then handle one, not many.
--
-- KEYS none: channels are no keys, and in a cluster any node passes messages on to all
-- ARGV channel, message, …

for i = 1, #ARGV, 2 do redis.call('PUBLISH', ARGV[i], ARGV[i + 1]) end
