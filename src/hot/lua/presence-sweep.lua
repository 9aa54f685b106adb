-- Forgets members of a room whose last session was last active too long ago.
--
-- KEYS 1  active: sorted set, member by the latest ping of their sessions, ms
--      2  names: hash, member → shown name
--      3  sessions: hash, member → their sessions
-- ARGV 1  pings at or before this count no more, ms   2  at most so many at once
-- Returns { the oldest ping that is left or "", { member, name, ping, … } of those who were forgotten }

local stale = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[1], 'WITHSCORES', 'LIMIT', 0, ARGV[2])
local gone = {}
for i = 1, #stale, 2 do
  local member = stale[i]
  gone[#gone + 1] = member
  gone[#gone + 1] = redis.call('HGET', KEYS[2], member) or ''
  gone[#gone + 1] = stale[i + 1]
  redis.call('ZREM', KEYS[1], member)
  redis.call('HDEL', KEYS[2], member)
  redis.call('HDEL', KEYS[3], member)
end
local oldest = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')
return { oldest[2] or '', gone }
