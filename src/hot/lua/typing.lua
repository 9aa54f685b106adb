-- One change of the members who type in a room. A member types while one of their sessions is noted, decayed or not. Only
-- sweep removes decayed sessions, because its caller announces it.
--
-- KEYS 1  typing: sorted set, "member session" by the time at which it decays, ms
--      2  names: hash, member → shown name
-- ARGV 1  on | off | forget | sweep   2  now, ms
--      3  on, off: the member; forget: the member   4  on, off: the session   5  on: the deadline, ms
--      6  on: the shown name   7  on: least time to live of the keys, ms
-- Returns { 1 when that changes whether the member types, else 0; the next deadline or ""; { member, name, … } who
-- type no more by a sweep }

local typing, names = KEYS[1], KEYS[2]
local change, now, member, session = ARGV[1], ARGV[2], ARGV[3], ARGV[4]

local function types(who)
  for _, entry in ipairs(redis.call('ZRANGE', typing, 0, -1)) do
    if string.match(entry, '^%S+') == who then return true end
  end
  return false
end

local changed, ended = 0, {}
if change == 'on' then
  if not types(member) then changed = 1 end
  redis.call('ZADD', typing, ARGV[5], member .. ' ' .. session)
  redis.call('HSET', names, member, ARGV[6])
  for _, key in ipairs(KEYS) do
    if redis.call('PTTL', key) < tonumber(ARGV[7]) then redis.call('PEXPIRE', key, ARGV[7]) end
  end
elseif change == 'sweep' then
  local decayed, seen = redis.call('ZRANGEBYSCORE', typing, '-inf', now), {}
  redis.call('ZREMRANGEBYSCORE', typing, '-inf', now)
  for _, entry in ipairs(decayed) do
    local who = string.match(entry, '^%S+')
    if not seen[who] and not types(who) then
      ended[#ended + 1] = who
      ended[#ended + 1] = redis.call('HGET', names, who) or ''
      redis.call('HDEL', names, who)
    end
    seen[who] = true
  end
else
  local was = types(member)
  for _, entry in ipairs(redis.call('ZRANGE', typing, 0, -1)) do
    local ours = change == 'forget' and string.match(entry, '^%S+') == member
    if ours or entry == member .. ' ' .. session then redis.call('ZREM', typing, entry) end
  end
  if was and not types(member) then
    changed = 1
    redis.call('HDEL', names, member)
  end
end
local first = redis.call('ZRANGE', typing, 0, 0, 'WITHSCORES')
return { changed, first[2] or '', ended }
