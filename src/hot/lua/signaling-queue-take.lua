-- Empties a signaling queue.
--
-- KEYS 1  queue: list
-- Returns the messages that were in it, the oldest first

local messages = redis.call('LRANGE', KEYS[1], 0, -1)
redis.call('DEL', KEYS[1])
return messages
