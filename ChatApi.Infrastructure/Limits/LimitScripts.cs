namespace ChatApi.Infrastructure.Limits;

/// <summary>What Redis does at one go. Whatever it keeps expires by itself.</summary>
internal static class LimitScripts
{
    /// <summary>
    /// Takes what all meters ask for, or nothing. KEYS: one for each meter, of tokens the day's sum and then what is reserved. ARGV: the
    /// hold, ms of its lease, ms of a window, ms that a day's sum is kept, tokens that the database has ('' for unknown), which may be more than
    /// Redis was told of; then kind, limit and cost of each meter. Answers -1 where it must know what the database has; else
    /// whether it was refused, and of each meter what is used, and the ms of the window or the tokens that are reserved. Asked again for a
    /// hold, because its answer came too late, it takes neither a second place nor tokens twice; a window counts both times.
    /// </summary>
    public const string Take =
        """
        local time = redis.call('TIME')
        local now = time[1] * 1000 + math.floor(time[2] / 1000)
        local answer, full, key = {0}, false, 0
        for at = 6, #ARGV, 3 do
          local kind, limit, cost = ARGV[at], tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2])
          local used, rest = 0, 0
          key = key + 1
          if kind == 'w' then
            used = tonumber(redis.call('GET', KEYS[key]) or 0)
            rest = redis.call('PTTL', KEYS[key])
            if rest < 0 then rest = tonumber(ARGV[3]) end
          elseif kind == 'p' then
            redis.call('ZREMRANGEBYSCORE', KEYS[key], '-inf', now)
            used = redis.call('ZCARD', KEYS[key])
            if redis.call('ZSCORE', KEYS[key], ARGV[1]) then used = used - 1 end
          else
            used = tonumber(redis.call('GET', KEYS[key]) or -1)
            if used < 0 and ARGV[5] == '' then return {-1} end
            if ARGV[5] ~= '' and used < tonumber(ARGV[5]) then
              used = tonumber(ARGV[5])
              redis.call('SET', KEYS[key], ARGV[5], 'PX', ARGV[4])
            end
            key = key + 1
            redis.call('ZREMRANGEBYSCORE', KEYS[key], '-inf', now)
            for _, member in ipairs(redis.call('ZRANGE', KEYS[key], 0, -1)) do
              local id, kept = string.match(member, '^(.*):(%d+)$')
              if id ~= ARGV[1] then rest = rest + tonumber(kept) end
            end
          end
          local reserved = kind == 't' and rest or 0
          if cost > 0 and used + reserved + cost > limit then full = true end
          answer[#answer + 1] = used
          answer[#answer + 1] = rest
        end
        if full then
          answer[1] = 1
          return answer
        end
        key = 0
        for at = 6, #ARGV, 3 do
          local kind, cost = ARGV[at], tonumber(ARGV[at + 2])
          key = key + (kind == 't' and 2 or 1)
          if cost > 0 and kind == 'w' then
            if redis.call('INCRBY', KEYS[key], cost) == cost then redis.call('PEXPIRE', KEYS[key], ARGV[3]) end
          elseif cost > 0 then
            redis.call('ZADD', KEYS[key], now + ARGV[2], kind == 't' and ARGV[1] .. ':' .. cost or ARGV[1])
            redis.call('PEXPIRE', KEYS[key], ARGV[2])
          end
        end
        return answer
        """;

    /// <summary>Keeps a hold for another lease. KEYS: places or reservations. ARGV: the member, ms of the lease.</summary>
    public const string Renew =
        """
        local time = redis.call('TIME')
        redis.call('ZADD', KEYS[1], time[1] * 1000 + math.floor(time[2] / 1000) + ARGV[2], ARGV[1])
        redis.call('PEXPIRE', KEYS[1], ARGV[2])
        """;

    /// <summary>
    /// Tells a day's sum and gives reservations back. KEYS: the sum, what is reserved. ARGV: the tokens that the database has, which only
    /// become more as long as the day lasts; ms that the sum is kept; the reservations, '' for none.
    /// </summary>
    public const string Tell =
        """
        if tonumber(redis.call('GET', KEYS[1]) or -1) < tonumber(ARGV[1]) then redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2]) end
        redis.call('ZREM', KEYS[2], unpack(ARGV, 3))
        """;
}
