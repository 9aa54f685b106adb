-- Publishes many messages as one command, which is cheaper for the client and the network than many commands.
--
-- KEYS 1  any name that is always the same: in a cluster every node passes messages on to all, but only what goes
--         through one and the same node keeps its order
-- ARGV channel, message, …

for i = 1, #ARGV, 2 do redis.call('PUBLISH', ARGV[i], ARGV[i + 1]) end
