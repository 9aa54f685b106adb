-- Takes tokens from a bucket that refills with time.
--
-- KEYS 1  bucket: string, "tokens at", the time in ms; absent: full
-- ARGV 1  cost   2  burst: tokens of a full bucket   3  tokens refilled per second   4  now, ms
--      5  how much longer than needed the bucket is kept, ms
-- Returns 0 when taken, else the milliseconds to wait until it could be

local cost, burst, perSecond, now = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local tokens, at = burst, now
local kept = redis.call('GET', KEYS[1])
if kept then
  local keptTokens, keptAt = string.match(kept, '^(%S+) (%S+)$')
  at = tonumber(keptAt)
  tokens = math.min(burst, tonumber(keptTokens) + math.max(0, now - at) / 1000 * perSecond)
end

-- A cost above the burst waits for a full bucket, because it would otherwise wait for ever.
local wanted = math.min(cost, burst)
-- Tolerates the rounding of binary fractions, so that waiting for exactly the answered time is enough.
local taken = tokens + 1e-6 >= wanted
if taken then tokens = tokens - wanted end

local ttl = math.ceil((burst - tokens) / perSecond * 1000) + tonumber(ARGV[5])
redis.call('SET', KEYS[1], string.format('%.17g %.0f', tokens, math.max(at, now)), 'PX', string.format('%.0f', ttl))
if taken then return 0 end
return math.max(1, math.ceil((wanted - tokens) / perSecond * 1000))
