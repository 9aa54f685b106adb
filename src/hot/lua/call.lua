-- One change of a room's call. It decides atomically who is new and who is last.
-- Every change but refresh removes decayed participants; the caller announces the new state.
--
-- KEYS 1  participants: hash, session → flags (one digit) and the actor as JSON
--      2  deadlines: sorted set, session by the time at which it decays, ms
--      3  summary: string, "flags@deadline flags@deadline …" with the latest deadline of each kind of flags, so that
--         the flags of many rooms are one MGET
-- ARGV 1  now, ms
--      2  put | remove | refresh | sweep
--      3  put, refresh: the new deadline, ms
--      4  put, refresh: least time to live of the keys, ms
--      5… put: session, flags and actor   remove: session   refresh: sessions
-- Returns { how many decayed, the next deadline or "", { sessions that were not in }, { session, flags and actor, … } }

local participants, deadlines, summary = KEYS[1], KEYS[2], KEYS[3]
local now, change, deadline, ttl = ARGV[1], ARGV[2], ARGV[3], ARGV[4]

local decayed = change == 'refresh' and {} or redis.call('ZRANGEBYSCORE', deadlines, '-inf', now)
for _, session in ipairs(decayed) do
  redis.call('ZREM', deadlines, session)
  redis.call('HDEL', participants, session)
end

local absent = {}
if change == 'put' then
  if redis.call('HSET', participants, ARGV[5], ARGV[6]) == 1 then absent[1] = ARGV[5] end
  redis.call('ZADD', deadlines, deadline, ARGV[5])
elseif change == 'remove' then
  redis.call('ZREM', deadlines, ARGV[5])
  if redis.call('HDEL', participants, ARGV[5]) == 0 then absent[1] = ARGV[5] end
elseif change == 'refresh' then
  for i = 5, #ARGV do
    local until_ = redis.call('ZSCORE', deadlines, ARGV[i])
    if until_ and tonumber(until_) > tonumber(now) then
      redis.call('ZADD', deadlines, deadline, ARGV[i])
    else
      absent[#absent + 1] = ARGV[i]
    end
  end
end

local all = redis.call('HGETALL', participants)
if #all == 0 then
  redis.call('DEL', summary)
  return { #decayed, '', absent, all }
end

local byTime = redis.call('ZRANGE', deadlines, 0, -1, 'WITHSCORES')
local until_, latest, kinds = {}, {}, {}
for i = 1, #byTime, 2 do until_[byTime[i]] = byTime[i + 1] end
for i = 1, #all, 2 do
  local flags, at = string.sub(all[i + 1], 1, 1), until_[all[i]]
  if not latest[flags] or tonumber(at) > tonumber(latest[flags]) then latest[flags] = at end
end
for flags, at in pairs(latest) do kinds[#kinds + 1] = flags .. '@' .. at end
redis.call('SET', summary, table.concat(kinds, ' '), 'KEEPTTL')

if ttl ~= '' then
  for _, key in ipairs(KEYS) do
    if redis.call('PTTL', key) < tonumber(ttl) then redis.call('PEXPIRE', key, ttl) end
  end
end
return { #decayed, byTime[2], absent, all }
