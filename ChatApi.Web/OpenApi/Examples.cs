namespace ChatApi.Web.OpenApi;

/// <summary>The examples of the document: one conversation, told through all operations.</summary>
internal static class Examples
{
    public const string Id = "0199f39f-1b7e-7c7a-8b11-5d1c6a0e4f21";
    public const string RunId = "0199f39f-3d10-7f04-9a64-0c2f5e7b8a93";
    private const string UserId = "0199f39e-0a52-7d3b-b0c8-9e4d2f6a1b35";
    private const string QuestionId = "0199f39f-3d0f-7a86-8e52-4b7d9c1f0e68";
    private const string ReplyId = "0199f39f-3d0f-7b97-a3d1-6c8e0d2a1f79";

    private const string Account = $$"""{"id":"{{UserId}}","user":"Ana","email":"ana@example.com"}""";
    private const string SignIn = $$"""{"token":"eyJhbGciOiJIUzI1NiIs…","user":{{Account}} }""";

    private const string Session =
        $$"""{"id":"{{Id}}","user_id":"{{UserId}}","title":"Mi conversación","created_at":"2026-01-15T10:30:00.123456Z","updated_at":"2026-01-15T10:31:00.654321Z","last_message_at":"2026-01-15T10:31:00.654321Z"}""";

    private const string Question =
        $$"""{"id":"{{QuestionId}}","session_id":"{{Id}}","role":"user","content":"Hola","created_at":"2026-01-15T10:31:00.654321Z","status":"completed","finish_reason":null,"model":null,"usage":null}""";

    private const string Reply =
        $$"""{"id":"{{ReplyId}}","session_id":"{{Id}}","role":"assistant","content":"Hola, ¿qué tal?","created_at":"2026-01-15T10:31:00.654321Z","status":"completed","finish_reason":"stop","model":"gpt-4o-mini","usage":{"prompt_tokens":9,"completion_tokens":5,"total_tokens":14,"estimated":false} }""";

    private const string Run =
        $$"""{"id":"{{RunId}}","session_id":"{{Id}}","user_message_id":"{{QuestionId}}","message_id":"{{ReplyId}}","status":"stopped","content":"Hola, ¿qué","seq":3,"error_code":null,"finish_reason":"stopped","model":"gpt-4o-mini","usage":{"prompt_tokens":9,"completion_tokens":3,"total_tokens":12,"estimated":true},"created_at":"2026-01-15T10:31:00.654321Z","ended_at":"2026-01-15T10:31:02.000000Z"}""";

    private const string Turn = $$"""{"user_message":{{Question}},"assistant_message":{{Reply}} }""";

    /// <summary>By operation: the body that is sent, null for none, and the one that comes back.</summary>
    public static IReadOnlyDictionary<string, (string? Request, string? Response)> ByOperation { get; } =
        new Dictionary<string, (string?, string?)>
        {
            ["register"] = ("""{"email":"ana@example.com","password":"una-clave-larga","name":"Ana"}""", SignIn),
            ["login"] = ("""{"email":"ana@example.com","password":"una-clave-larga"}""", SignIn),
            ["get_me"] = (null, Account),
            ["chat"] = ("""{"content":"Hola"}""", $$"""{"session_id":"{{Id}}","user_message":{{Question}},"assistant_message":{{Reply}} }"""),
            ["get_run"] = (null, Run),
            ["list_sessions"] = (null, $"[{Session}]"),
            ["create_session"] = ("""{"title":"Mi conversación"}""", Session),
            ["get_session"] = (null, Session),
            ["replace_session"] = ("""{"title":"Mi conversación"}""", Session),
            ["update_session"] = ("""{"title":"Mi conversación"}""", Session),
            ["delete_session"] = (null, Session),
            ["list_messages"] = (null, $"[{Question},{Reply}]"),
            ["create_message"] = ("""{"role":"user","content":"Hola"}""", Turn),
            ["get_message"] = (null, Reply),
            ["delete_message"] = (null, Reply),
            ["start_session"] = ("""{"title":"Mi conversación","initial_message":"Hola"}""", Session),
            ["stream_reply"] = ("""{"content":"Hola, ¿cómo estás?"}""", null),
            ["resume_reply"] = (null, null),
            ["stop_reply"] = ($$"""{"run_id":"{{RunId}}"}""", Run),
        };

    /// <summary>The events of a stream.</summary>
    public static IReadOnlyList<(string Name, string Summary, string Json, int Seq)> Events { get; } =
    [
        ("start", "The question is stored and the reply is being made.",
            $$"""{"type":"start","session_id":"{{Id}}","run_id":"{{RunId}}","message_id":"{{ReplyId}}","user_message_id":"{{QuestionId}}"}""", 0),
        ("content", "More of the text. seq counts the pieces so far; pieces that are ready together may come as one event.",
            """{"type":"content","content":"Hola","seq":1}""", 1),
        ("done", "The reply is stored, whole; or stopped, with finish_reason stopped and the text so far.",
            $$"""{"type":"done","message_id":"{{ReplyId}}","full_content":"Hola, ¿qué tal?","finish_reason":"stop","model":"gpt-4o-mini","usage":{"prompt_tokens":9,"completion_tokens":5,"total_tokens":14},"seq":5}""", 5),
        ("error", "The reply was cut short; the text so far is stored.",
            $$"""{"type":"error","error":"The assistant took too long to answer; please try again.","code":"upstream_timeout","retryable":true,"message_id":"{{ReplyId}}","seq":4}""", 4),
    ];
}
