-- One change of the members who look at a room.
--
-- KEYS 1  active: sorted set, member by the latest ping of their sessions, ms
--      2  names: hash, member → shown name
--      3  sessions: hash, member → "session@ping session@ping …", in the order in which they came
-- ARGV 1  ping | refresh | leave | forget   2  member   3  now, ms   4  pings at or before this count no more, ms
--      5  time to live of the keys, ms   6  ping, leave: the session; refresh: what the sessions' names contain
--      7  ping: the shown name   8  ping: so many sessions of the member are kept
-- Returns { 1 when a session of the member was active before, else 0; 1 when one is now; { refreshed sessions } }

local change, member, now, limit, what = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4]), ARGV[6]
local kept = {}
local found = false
local refreshed = {}
for session, ping in string.gmatch(redis.call('HGET', KEYS[3], member) or '', '(%S+)@(%d+)') do
  if tonumber(ping) > limit then kept[#kept + 1] = { session, ping } end
end
local before = #kept

if change == 'ping' then
  for _, one in ipairs(kept) do
    if one[1] == what then
      one[2] = now
      found = true
    end
  end
  if not found then kept[#kept + 1] = { what, now } end
  while #kept > tonumber(ARGV[8]) do table.remove(kept, 1) end
elseif change == 'refresh' then
  for _, one in ipairs(kept) do
    if string.find(one[1], what, 1, true) then
      one[2] = now
      refreshed[#refreshed + 1] = one[1]
    end
  end
elseif change == 'leave' then
  for i = #kept, 1, -1 do
    if kept[i][1] == what then table.remove(kept, i) end
  end
else
  kept = {}
end

if #kept == 0 then
  redis.call('ZREM', KEYS[1], member)
  redis.call('HDEL', KEYS[2], member)
  redis.call('HDEL', KEYS[3], member)
else
  local texts, latest = {}, kept[1][2]
  for i, one in ipairs(kept) do
    texts[i] = one[1] .. '@' .. one[2]
    if tonumber(one[2]) > tonumber(latest) then latest = one[2] end
  end
  redis.call('ZADD', KEYS[1], latest, member)
  redis.call('HSET', KEYS[3], member, table.concat(texts, ' '))
  if change == 'ping' then redis.call('HSET', KEYS[2], member, ARGV[7]) end
  if change == 'ping' or #refreshed > 0 then
    for _, key in ipairs(KEYS) do redis.call('PEXPIRE', key, ARGV[5]) end
  end
end
return { before > 0 and 1 or 0, #kept > 0 and 1 or 0, refreshed }
