using System.Globalization;
using System.Text;
using System.Text.Json;
using ChatApi.Tests.Support;

namespace ChatApi.Tests.Web.AnyBytes;

/// <summary>Makes requests from the OpenAPI document: good ones, and good ones in which one thing or several were changed.</summary>
/// <param name="random">All that is random.</param>
/// <param name="account">Who sends it.</param>
/// <param name="other">Somebody else.</param>
internal sealed class RequestGenerator(Random random, Account account, Account other)
{
    /// <summary>A password takes a tenth of a second of computing: these are asked less.</summary>
    private static readonly string[] Costly = ["register", "login", "delete_me"];

    /// <summary>From here on the server itself may refuse.</summary>
    private const int LongTarget = 7000, LongHead = 30_000;

    private static readonly ApiOperation[] Operations =
        [.. ApiDescription.Instance.Operations.SelectMany(operation => Enumerable.Repeat(operation, Costly.Contains(operation.Id) ? 1 : 8))];

    private readonly GeneratedRequest _request = new();
    private readonly List<(string Name, string Value)> _headers = [];
    private ApiOperation _operation = null!;
    private string _method = "";
    private string _path = "";
    private string _query = "";

    public GeneratedRequest Next()
    {
        _request.Operation = _operation = Operations[random.Next(Operations.Length)];
        _method = _operation.Method.Method;
        _path = Path(account.Ids);
        _query = Query();
        if (_operation.NeedsToken)
            _headers.Add(("Authorization", $"Bearer {account.User.Token}"));
        if (_operation.HasBody && (_operation.NeedsBody || random.Next(4) > 0))
            _request.Body = Encoding.UTF8.GetBytes(Object(Fields()));

        // A third is as good as can be; the others have one change, or some.
        for (var changes = random.Next(6) switch { < 2 => 0, < 5 => 1, _ => random.Next(2, 4) }; changes > 0; changes--)
            Change();
        _request.Bytes = Frame();
        return _request;
    }

    private bool OneIn(int count) => random.Next(count) == 0;

    private T Any<T>(params T[] items) => items[random.Next(items.Length)];

    private void Note(string change) => _request.Changes.Add(change);

    private void Change()
    {
        switch (random.Next(20))
        {
            case 0:
                ChangeToken();
                break;
            case 1:
                ChangeMethod();
                break;
            case 2 or 3:
                ChangeId();
                break;
            case 4:
                ChangePath();
                break;
            case 5 or 6 or 7:
                ChangeQuery();
                break;
            case 8 or 9:
                ChangeHeaders();
                break;
            case 10:
                ChangeContentType();
                break;
            case 11:
                ChangeFraming();
                break;
            default:
                if (_operation.HasBody)
                    ChangeBody();
                else
                    AddBody();
                break;
        }
    }

    private string Path(IReadOnlyDictionary<string, string> ids)
    {
        var segments = _operation.Path.Split('/');
        for (var index = 0; index < segments.Length; index++)
            if (segments[index].StartsWith('{'))
                segments[index] = ids[_operation.Id == "replace_message" ? "questions" : segments[index - 1]];
        return string.Join('/', segments);
    }

    private string Query()
    {
        var given = _operation.Parameters("query").Where(parameter => parameter.Name == "limit" && OneIn(2))
            .Select(parameter => $"{parameter.Name}={random.Next(parameter.Schema.GetProperty("minimum").GetInt32(), parameter.Schema.GetProperty("maximum").GetInt32() + 1)}");
        return string.Join('&', given);
    }

    private List<(string Name, string Json)> Fields()
    {
        // Its fields are worth nothing one by one.
        if (_operation.Id == "import")
            return [.. _operation.BodyExample.EnumerateObject().Select(field => (field.Name, field.Value.GetRawText()))];
        var fields = new List<(string, string)>();
        var needed = _operation.BodySchema.TryGetProperty("required", out var required) ? required.EnumerateArray().Select(name => name.GetString()).ToList() : [];
        foreach (var property in _operation.BodySchema.GetProperty("properties").EnumerateObject())
            if (needed.Contains(property.Name) || OneIn(2))
                fields.Add((property.Name, Value(property.Name, property.Value)));
        return fields;
    }

    private string Value(string name, JsonElement schema)
    {
        switch (name)
        {
            case "session_id":
                return JsonSerializer.Serialize(account.Ids["sessions"]);
            case "run_id":
                return JsonSerializer.Serialize(account.Ids["runs"]);
            case "message_id":
                return JsonSerializer.Serialize(account.Ids["questions"]);
            case "id":
                return JsonSerializer.Serialize(Any(account.Ids["ui"], PathName()));
            case "messages":
                return Messages(schema);
            case "messageId":
                return JsonSerializer.Serialize(Any(account.Ids["messages"], Name(), null));
            case "trigger":
                return JsonSerializer.Serialize(Any("submit-message", "regenerate-message", null));
            case "model":
                return Any("null", "\"gpt-4o-mini\"");
            case "metadata":
                return Any("null", "{}", "{\"a\":[1,2.50,{\"ñ\":\"\\u00e9\"}]}");
            case "stop":
                return Any("null", "[]", "[\"fin\",\"👋\"]");
            case "temperature" or "top_p":
                return Any("null", "1", "0.25", "1e-2");
            case "max_output_tokens":
                return Any("null", "1", "2000");
            case "expires_in_days":
                return Any("null", "1", "3650");
            case "pinned" or "archived":
                return Any("null", "true", "false");
            case "role" or "rating":
                return JsonSerializer.Serialize(Any([.. schema.GetProperty("enum").EnumerateArray().Select(role => role.GetString())]));
            case "email":
                return JsonSerializer.Serialize(_operation.Id == "register" ? $"{Any("ñ", "A", "日本", "o'x", "\"q\"", "+")}{random.NextInt64()}@example.com" : account.Email);
            case "password":
                return _operation.Id == "register"
                    ? RandomText.Json(random, "12345678"[..random.Next(4, 8)] + RandomText.Next(random, 190, withControls: true).PadRight(8, 'p'))
                    : JsonSerializer.Serialize(Account.Password);
            case "content":
                return Content(schema);
            default:
                return RandomText.Json(random, RandomText.Next(random, schema.GetProperty("maxLength").GetInt32(), withControls: name is "initial_message" or "system_prompt" or "comment"));
        }
    }

    /// <summary>What a client calls a conversation, which stands in paths as it is.</summary>
    private string PathName() => Name().Replace('?', '_').Replace('\\', '_');

    /// <summary>What a client calls something of its own: 1 to 128 visible characters, no slash, and no step up.</summary>
    private string Name() => "n" + string.Concat(Enumerable.Range(0, random.Next(128)).Select(_ => (char)random.Next('0', '\x7f')));

    /// <summary>One question, after what may be a history.</summary>
    private string Messages(JsonElement schema)
    {
        var message = ApiDescription.Instance.Resolve(schema.GetProperty("items")).GetProperty("properties");
        var text = ApiDescription.Instance.Resolve(message.GetProperty("parts").GetProperty("items")).GetProperty("properties").GetProperty("text");
        var question = $$"""{"id":{{JsonSerializer.Serialize(Name())}},"role":"user","parts":[{"type":"text","text":{{Content(text)}}}]}""";
        var before = JsonSerializer.Serialize(Any(account.Ids["messages"], Name()));
        return OneIn(2) ? $"[{question}]" : $$"""[{"id":{{before}},"role":"assistant","parts":[{"type":"text","text":"x","state":"done"}]}, {{question}}]""";
    }

    private string Content(JsonElement schema)
    {
        var text = RandomText.Next(random, schema.GetProperty("maxLength").GetInt32(), withControls: true);
        if (OneIn(20) && text.Length < 1000)
        {
            text = Any(ModelFaults.Words) + text;
            _request.IsModelToFail = true;
        }

        return RandomText.Json(random, text);
    }

    private string Object(IEnumerable<(string Name, string Json)> fields) =>
        "{" + string.Join(Any(",", ", ", "\n,\t"), fields.Select(field => $"\"{field.Name}\"{Any(":", " : ")}{field.Json}")) + "}";

    private void ChangeToken()
    {
        Note("token");
        _headers.RemoveAll(header => header.Name == "Authorization");
        var token = account.User.Token!;
        var value = Any(
            null, "", "Bearer", "Bearer ", "Basic dXNlcjpwYXNz", $"Bearer {token[..^3]}", $"Bearer {token}x", $"Bearer {new string('a', random.Next(1, 20_000))}",
            $"Token {token}", "Bearer \u00ff\u00fe", "Bearer eyJhbGciOiJub25lIn0.e30.", "Bearer sb_publishable_x", $"Bearer {token}, Bearer {token}");
        if (value is not null)
            _headers.Add(("Authorization", value));
        if (_operation.NeedsToken && _request.Operation is not null)
            _request.OnlyStatus ??= 401;
    }

    private void ChangeMethod()
    {
        _method = Any("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW", "get", "PROPFIND", new string('X', 300));
        if (_method == _operation.Method.Method)
            return;
        Note("method");
        Elsewhere();
    }

    private void ChangeId()
    {
        if (_operation.Parameters("path").Count == 0)
            return;
        Note("id");
        var id = Any(
            Guid.NewGuid().ToString(), Guid.Empty.ToString(), "42", "%00", "%C3%28", "%ED%A0%BD", "null", "undefined", "..%2f..", new string('9', 3000), "%F0%9F%91%8B", "*",
            "{id}", account.Ids[Any("sessions", "messages", "runs")], other.Ids[Any("sessions", "messages", "runs")], account.Ids["sessions"].ToUpperInvariant(), "-1", "1e9", "%25", "'");
        _path = Path(account.Ids.ToDictionary(pair => pair.Key, _ => id));
        if (id.Contains("%00", StringComparison.Ordinal))
            Elsewhere();
    }

    private void ChangePath()
    {
        Note("path");
        _path = Any(
            _path + "/", _path + "/x", _path.Replace("/", "//", StringComparison.Ordinal), "/api/../api/chat", "/%2e%2e/%2e%2e/etc/passwd", _path.ToUpperInvariant(), "/api/" + Escaped(RandomText.Next(random, 50, true)),
            "/" + new string('a', 9000), "/api/chat/%", "/.env", "/data/chatapi.db", "/appsettings.json", "/api", "*", "/swagger/../api/chat", "/\\..\\..", "/api/chat/sessions;x=1", "/health/ready/x", "/..;/api/chat");
        Elsewhere();
    }

    private void ChangeQuery()
    {
        var (addition, status) = random.Next(12) switch
        {
            0 => ("limit=" + Any("0", "-1", "201", "abc", "1.5", "", "99999999999999999999", "0x10", "+5", "1e1", "٣", "null", "true", "%20"), (int?)null),
            1 => ("cursor=" + Any("", "garbage", "AAAA", new string('A', 4000), Escaped(RandomText.Next(random, 60, true)), "%2B%2F%3D"), null),
            2 => ("after=" + Any("0", "1", "-1", "99999999", "99999999999999999999", "x", ""), null),
            3 => ("run_id=" + Any(account.Ids["runs"], other.Ids["runs"], Guid.NewGuid().ToString(), "x", ""), null),
            4 => ($"run_id={account.Ids["runs"]}&after={random.Next(0, 5)}", null),
            5 => ("x=%00", 400),
            6 => ("x=" + Any("%C3%28", "%FF", "%ED%A0%BD", "%C0%AF", "%F0%9F"), 400),
            7 => ("x=1&x=2", 400),
            8 => (Escaped(RandomText.Next(random, 40, true)) + "=" + Escaped(RandomText.Next(random, 40, true)), null),
            9 => (Any("&&&", "=", "%", "%zz", "?", "limit[]=1", "limit%00=1", "a;b", "#x", new string('&', 1500)), null),
            10 => ("id=" + Guid.NewGuid() + "&user_id=" + other.User.UserId, null),
            _ => ("content=x&title=y&_method=DELETE", null),
        };
        _request.HasOddQuery = true;
        Note("query " + addition[..Math.Min(addition.Length, 20)]);
        _query = _query.Length == 0 ? addition : _query + "&" + addition;
        if (status is not null && _request.Operation is not null)
            _request.OnlyStatus = status;
    }

    private void ChangeHeaders()
    {
        var (name, value) = random.Next(14) switch
        {
            0 or 1 => ("Idempotency-Key", Any("", new string('k', 255), new string('k', 256), "a b", "ñ", "\u00ff", "k" + random.Next(30), Guid.NewGuid().ToString())),
            2 or 3 => ("Last-Event-ID", Any("", "x", $"{account.Ids["runs"]}:{random.Next(-1, 5)}", $"{other.Ids["runs"]}:0", $"{account.Ids["runs"]}:99999999999", new string('e', 5000), ":", "\u00ff:1", account.Ids["runs"])),
            4 => ("Accept", Any("text/event-stream", "text/html", ";;;,", "*", "application/json;q=0", "\u00ff", new string('a', 3000))),
            5 => ("X-Request-ID", Any("abc", "a b", "\u00ff", new string('x', 500), "<script>")),
            6 => ("Origin", Any("null", "http://localhost:5173", "https://evil.example", "\u00ff")),
            7 => ("Content-Encoding", Any("gzip", "br", "identity", "x")),
            8 => ("X-Forwarded-For", Any("1.2.3.4", "garbage", new string('1', 2000))),
            9 => ("X-HTTP-Method-Override", Any("DELETE", "x")),
            10 => ("Accept-Language", Any("es", "tr-TR", "\u00ff", "*;q=x")),
            11 => ("Cookie", Any("a=b", "\u00ff=;;;", new string('c', 3000))),
            12 => ("Range", "bytes=0-1"),
            _ => ("If-None-Match", Any("*", "\"x\"")),
        };
        Note(name);
        _headers.Add((name, value));
    }

    private void ChangeContentType()
    {
        var type = Any(
            "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/json; charset=utf-16", "application/json; charset=x", "garbage", "", "application/xml",
            "application/vnd.api+json", "application/json; charset=utf-8", "APPLICATION/JSON", "application/json;;;", "\u00ff", "application/json; charset=\"");
        Note("content type " + type);
        _headers.Add(("Content-Type", type));
    }

    /// <summary>A body where none is wanted.</summary>
    private void AddBody()
    {
        Note("a body");
        _request.Body = Any("{}"u8.ToArray(), "[]"u8.ToArray(), [0xFF, 0x00], new byte[random.Next(5000)]);
    }

    private void ChangeBody()
    {
        var fields = Fields();
        var index = fields.Count == 0 ? -1 : random.Next(fields.Count);
        var name = index < 0 ? "title" : fields[index].Name;
        string? text = null;
        switch (random.Next(14))
        {
            case 0:
                Note("a field less");
                fields = [.. fields.Where((_, at) => at != index)];
                break;
            case 1:
                Note("another type");
                text = Object([.. fields.Where(field => field.Name != name), (name, Any("5", "true", "null", "[]", "{}", "1e999", "[\"x\"]", "-0", "\"\"", "\" \"", "\"\\t\""))]);
                break;
            case 2:
                Note("too long");
                text = Object([.. fields.Where(field => field.Name != name), (name, JsonSerializer.Serialize(new string('z', Any(101, 201, 321, 32_001, 100_000))))]);
                break;
            case 3:
                Note("a key twice");
                text = Object([.. fields, ("z", "1"), ("z", "2")]);
                break;
            case 4:
                Note("what the server owns");
                text = Object([.. fields, ("id", $"\"{Guid.NewGuid()}\""), ("user_id", $"\"{other.User.UserId}\""), ("created_at", "5"), ("Content", "null"), ("z", "{\"a\":[1,2.5e3,null]}")]);
                break;
            case 5:
                Note("no JSON");
                text = Object(fields) + Any("}", ",", "{}", " x", "/*c*/", "\0");
                break;
            case 6:
                Note("another kind of JSON");
                text = Any("null", "[]", "\"x\"", "5", "true", "", "  ", "[{}]", "{\"a\":1,}", "{'a':1}", "{a:1}", "NaN", "// c\n{}");
                break;
            case 7:
                Note("deep");
                var depth = Any(20, 40, 5000, 100_000);
                text = Object([.. fields, ("z", new string('[', depth) + new string(']', depth))]);
                break;
            case 8:
                Note("no text");
                text = Object([.. fields.Where(field => field.Name != name), (name, Any("\"a\\u0000b\"", "\"\\ud83d\"", "\"\\ude00x\"", "\"\\ud83d\\u0041\"", "\"\\x41\"", "\"a\nb\"", "\"\\u00\""))]);
                break;
            case 9:
                Note("BOM");
                text = "\ufeff" + Object(fields);
                break;
            case 10:
                Note("over a megabyte");
                text = Object([.. fields, ("z", JsonSerializer.Serialize(new string('z', Any(1024 * 1024, 1_100_000))))]);
                break;
            case 11:
                Note("a byte changed");
                ChangeByte(Object(fields));
                return;
            case 12:
                Note("cut off");
                text = Object(fields);
                text = text[..random.Next(text.Length)];
                break;
            default:
                Note("random bytes");
                _request.Body = new byte[random.Next(1, 200)];
                random.NextBytes(_request.Body);
                return;
        }

        _request.Body = Encoding.UTF8.GetBytes(text ?? Object(fields));
    }

    private void ChangeByte(string json)
    {
        _request.Body = Encoding.UTF8.GetBytes(json);
        for (var changes = random.Next(1, 4); changes > 0; changes--)
            _request.Body[random.Next(_request.Body.Length)] = Any<byte>(0, 0x22, 0x5c, 0x80, 0xc0, 0xed, 0xf4, 0xff, (byte)random.Next(256));
    }

    private void ChangeFraming()
    {
        Note("framing");
        _request.IsBroken = true;
        Elsewhere();
    }

    /// <summary>It is not known any more which operation this calls, if any.</summary>
    private void Elsewhere()
    {
        _request.Operation = null;
        _request.OnlyStatus = null;
    }

    private static string Escaped(string text) => Uri.EscapeDataString(text);

    private byte[] Frame()
    {
        var target = _query.Length == 0 ? _path : $"{_path}?{_query}";
        var head = new StringBuilder().Append(CultureInfo.InvariantCulture, $"{_method} {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n");
        foreach (var (name, value) in _headers)
            head.Append(CultureInfo.InvariantCulture, $"{name}: {value}\r\n");
        var body = _request.Body ?? [];
        if (_request.Body is not null && !_headers.Any(header => header.Name == "Content-Type"))
            head.Append("Content-Type: application/json\r\n");
        var isChunked = _request.Body is not null && OneIn(4);
        if (isChunked)
        {
            head.Append("Transfer-Encoding: chunked\r\n");
            body = Chunked(body);
        }
        else if (_request.Body is not null)
        {
            head.Append(CultureInfo.InvariantCulture, $"Content-Length: {body.Length}\r\n");
        }

        var text = head.Append("\r\n").ToString();
        _request.IsForServer = _request.IsBroken || _path == "*" || _path.Contains("%00", StringComparison.Ordinal) || !Ascii.IsValid(text) || target.Length > LongTarget || text.Length > LongHead;
        if (_request.IsForServer)
            _request.OnlyStatus = null;
        byte[] bytes = [.. Encoding.Latin1.GetBytes(text), .. body];
        return _request.IsBroken ? Broken(bytes) : bytes;
    }

    private byte[] Chunked(byte[] body)
    {
        using var framed = new MemoryStream();
        for (var at = 0; at < body.Length;)
        {
            var size = Math.Min(body.Length - at, random.Next(1, 1 + body.Length));
            framed.Write(Encoding.Latin1.GetBytes($"{size:x}\r\n"));
            framed.Write(body, at, size);
            framed.Write("\r\n"u8);
            at += size;
        }

        framed.Write("0\r\n\r\n"u8);
        return framed.ToArray();
    }

    private byte[] Broken(byte[] request)
    {
        var text = Encoding.Latin1.GetString(request);
        switch (random.Next(12))
        {
            case 0:
                return [.. Enumerable.Range(0, random.Next(1, 300)).Select(_ => (byte)random.Next(256))];
            case 1:
                return request[..random.Next(request.Length)];
            case 2:
                var changed = request.ToArray();
                changed[random.Next(Math.Min(changed.Length, 200))] = (byte)random.Next(256);
                return changed;
            case 3:
                text = text.Replace("HTTP/1.1", Any("HTTP/1.0", "HTTP/2.0", "HTTP/9.9", "HTTP/1.", "", "ICY"), StringComparison.Ordinal);
                break;
            case 4:
                text = text.Replace("Host: localhost\r\n", Any("", "Host: a\r\nHost: b\r\n", "Host: \r\n", "Host: a b\r\n", "Host : x\r\n", "Host: localhost\r\n folded\r\n"), StringComparison.Ordinal);
                break;
            case 5:
                text = text.Replace("Connection: close", Any("Content-Length: -1", "Content-Length: 99999999999999999999", "Content-Length: 1\r\nContent-Length: 2", "Transfer-Encoding: x", "Transfer-Encoding: chunked\r\nContent-Length: 3", "Content-Length: 5x"), StringComparison.Ordinal);
                break;
            case 6:
                text = text.Replace("Connection: close", "Connection: close\r\n" + string.Concat(Enumerable.Range(0, Any(50, 200)).Select(number => $"X-{number}: {number}\r\n")) + "X: x", StringComparison.Ordinal);
                break;
            case 7:
                text = text.Replace("Connection: close", "Connection: close\r\nX-Long: " + new string('x', Any(20_000, 40_000)), StringComparison.Ordinal);
                break;
            case 8:
                text = text.Replace("Connection: close", "Connection: close\r\n" + Any("X\0: x", "X: a\0b", ": x", "X", "X Y: z", "X: a\nb", "ñ: x"), StringComparison.Ordinal);
                break;
            case 9:
                text = text.Replace("\r\n", "\n", StringComparison.Ordinal);
                break;
            case 10:
                text = text.Replace(" /", Any("  /", " http://localhost/", " ", "\t/", " /\u00ff", " \\"), StringComparison.Ordinal);
                break;
            default:
                text = text.Replace("Connection: close", Any("Expect: 100-continue", "Expect: x", "Upgrade: websocket\r\nConnection: Upgrade", "Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABkAAQAAP__", "Connection: close, x"), StringComparison.Ordinal);
                break;
        }

        return Encoding.Latin1.GetBytes(text);
    }
}
