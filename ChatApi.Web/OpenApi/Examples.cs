namespace ChatApi.Web.OpenApi;

/// <summary>The examples of the document: one conversation, told through all operations.</summary>
internal static class Examples
{
    public const string Id = "0199f39f-1b7e-7c7a-8b11-5d1c6a0e4f21";
    public const string RunId = "0199f39f-3d10-7f04-9a64-0c2f5e7b8a93";
    private const string UserId = "0199f39e-0a52-7d3b-b0c8-9e4d2f6a1b35";
    private const string QuestionId = "0199f39f-3d0f-7a86-8e52-4b7d9c1f0e68";
    private const string ReplyId = "0199f39f-3d0f-7b97-a3d1-6c8e0d2a1f79";

    private const string OtherReplyId = "0199f39f-2c0e-7c13-9d47-5e8f0a3b6c21";

    /// <summary>What opens a share.</summary>
    public const string ShareToken = "Jx0aQm1cZr5t8wYv3bN6kL9pHs2dFg4jUe7iOaTq0Xs";

    /// <summary>A conversation to be read.</summary>
    public const string Markdown = "# Mi conversación\n\n## User, 2026-01-15 10:31:00 UTC\n\nHola\n\n## Assistant, gpt-4o-mini, 2026-01-15 10:31:00 UTC\n\nHola, ¿qué tal?\n";

    private const string Account = $$"""{"id":"{{UserId}}","user":"Ana","email":"ana@example.com"}""";
    private const string SignIn = $$"""{"token":"eyJhbGciOiJIUzI1NiIs…","user":{{Account}} }""";

    private const string Session =
        $$"""{"id":"{{Id}}","user_id":"{{UserId}}","title":"Mi conversación","created_at":"2026-01-15T10:30:00.123456Z","updated_at":"2026-01-15T10:31:00.654321Z","last_message_at":"2026-01-15T10:31:00.654321Z","pinned":false,"archived":false,"model":null,"system_prompt":"Responde en una frase.","temperature":0.3,"max_output_tokens":null,"top_p":null,"stop":null,"metadata":{"color":"azul"},"deleted_at":null,"snippet":null}""";

    private const string Question =
        $$"""{"id":"{{QuestionId}}","session_id":"{{Id}}","parent_id":null,"role":"user","content":"Hola","created_at":"2026-01-15T10:31:00.654321Z","status":"completed","finish_reason":null,"model":null,"usage":null,"on_branch":true,"sibling_ids":["{{QuestionId}}"],"sibling_index":1,"feedback":null,"metadata":null}""";

    private const string Reply =
        $$"""{"id":"{{ReplyId}}","session_id":"{{Id}}","parent_id":"{{QuestionId}}","role":"assistant","content":"Hola, ¿qué tal?","created_at":"2026-01-15T10:31:00.654321Z","status":"completed","finish_reason":"stop","model":"gpt-4o-mini","usage":{"prompt_tokens":9,"completion_tokens":5,"total_tokens":14,"estimated":false},"on_branch":true,"sibling_ids":["{{OtherReplyId}}","{{ReplyId}}"],"sibling_index":2,"feedback":null,"metadata":null}""";

    private const string File =
        $$"""
        {"version":1,"exported_at":"2026-01-15T10:35:00.123456Z","sessions":[
        {"id":"{{Id}}","title":"Mi conversación","title_chosen":true,"created_at":"2026-01-15T10:30:00.123456Z","updated_at":"2026-01-15T10:31:00.654321Z","last_message_at":"2026-01-15T10:31:00.654321Z","pinned":false,"archived":false,"model":null,"system_prompt":"Responde en una frase.","temperature":0.3,"max_output_tokens":null,"top_p":null,"stop":null,"metadata":{"color":"azul"},
        "messages":[
        {"id":"{{QuestionId}}","parent_id":null,"role":"user","content":"Hola","created_at":"2026-01-15T10:31:00.654321Z","status":"completed","finish_reason":null,"model":null,"usage":null,"feedback":null,"metadata":null,"on_branch":true},
        {"id":"{{ReplyId}}","parent_id":"{{QuestionId}}","role":"assistant","content":"Hola, ¿qué tal?","created_at":"2026-01-15T10:31:00.654321Z","status":"completed","finish_reason":"stop","model":"gpt-4o-mini","usage":{"prompt_tokens":9,"completion_tokens":5,"total_tokens":14,"estimated":false},"feedback":{"rating":"up","comment":null,"rated_at":"2026-01-15T10:32:00.000001Z"},"metadata":null,"on_branch":true}
        ]}]}
        """;

    private const string ShareFields =
        $$"""{"id":"0199f3a2-5b20-7d4e-8c31-7f9a1b2c3d4e","session_id":"{{Id}}","title":"Mi conversación","created_at":"2026-01-15T10:40:00.123456Z","expires_at":"2026-02-14T10:40:00.123456Z" """;

    private const string Share = $$"""{{ShareFields}} }""";

    private const string Shared =
        """{"title":"Mi conversación","created_at":"2026-01-15T10:40:00.123456Z","messages":[{"role":"user","content":"Hola","created_at":"2026-01-15T10:31:00.654321Z"},{"role":"assistant","content":"Hola, ¿qué tal?","created_at":"2026-01-15T10:31:00.654321Z"}]}""";

    private const string RatedReply =
        $$"""{"id":"{{ReplyId}}","session_id":"{{Id}}","parent_id":"{{QuestionId}}","role":"assistant","content":"Hola, ¿qué tal?","created_at":"2026-01-15T10:31:00.654321Z","status":"completed","finish_reason":"stop","model":"gpt-4o-mini","usage":{"prompt_tokens":9,"completion_tokens":5,"total_tokens":14,"estimated":false},"on_branch":true,"sibling_ids":["{{OtherReplyId}}","{{ReplyId}}"],"sibling_index":2,"feedback":{"rating":"up","comment":"Justo lo que buscaba.","rated_at":"2026-01-15T10:32:07.120000Z"},"metadata":null}""";

    private const string Run =
        $$"""{"id":"{{RunId}}","session_id":"{{Id}}","user_message_id":"{{QuestionId}}","message_id":"{{ReplyId}}","status":"stopped","content":"Hola, ¿qué","seq":3,"error_code":null,"finish_reason":"stopped","model":"gpt-4o-mini","usage":{"prompt_tokens":9,"completion_tokens":3,"total_tokens":12,"estimated":true},"context":{"message_ids":[],"tokens":9,"trimmed":0},"created_at":"2026-01-15T10:31:00.654321Z","ended_at":"2026-01-15T10:31:02.000000Z"}""";

    private const string UIQuestion = """{"id":"nR5cYh8sJ1fWg3Xe","role":"user","parts":[{"type":"text","text":"Hola"}]}""";
    private const string UIStoredQuestion = """{"id":"nR5cYh8sJ1fWg3Xe","role":"user","parts":[{"type":"text","text":"Hola","state":"done"}]}""";

    private const string UIMetadata =
        """{"status":"completed","finishReason":"stop","model":"gpt-4o-mini","usage":{"inputTokens":9,"outputTokens":5,"totalTokens":14,"estimated":false} }""";

    private const string UIReply =
        $$"""{"id":"{{ReplyId}}","role":"assistant","parts":[{"type":"text","text":"Hola, ¿qué tal?","state":"done"}],"metadata":{{UIMetadata}} }""";

    private const string Usage =
        """
        {"day":"2026-01-15","resets_at":"2026-01-16T00:00:00Z",
        "today":{"replies":12,"prompt_tokens":5120,"completion_tokens":2304,"total_tokens":7424},
        "limits":{
        "tokens":{"limit":100000,"used":7424,"reserved":2150,"remaining":90426,"resets_at":"2026-01-16T00:00:00Z"},
        "requests":{"limit":600,"used":14,"reserved":null,"remaining":586,"resets_at":"2026-01-15T10:31:42.123456Z"},
        "turns":{"limit":60,"used":2,"reserved":null,"remaining":58,"resets_at":"2026-01-15T10:31:50.654321Z"},
        "runs":{"limit":8,"used":1,"reserved":null,"remaining":7,"resets_at":null} },
        "days":[{"day":"2026-01-15","model":"gpt-4o-mini-2024-07-18","replies":12,"prompt_tokens":5120,"completion_tokens":2304,"total_tokens":7424,"estimated_tokens":0,"cost":0.0021504}],
        "currency":"USD"}
        """;

    private const string SessionUsage =
        $$"""{"session_id":"{{Id}}","replies":2,"prompt_tokens":1200,"completion_tokens":400,"total_tokens":1600,"estimated_tokens":0,"cost":0.00042,"currency":"USD","models":[{"model":"gpt-4o-mini-2024-07-18","replies":2,"prompt_tokens":1200,"completion_tokens":400,"total_tokens":1600,"estimated_tokens":0,"cost":0.00042}]}""";

    private const string Turn = $$"""{"user_message":{{Question}},"assistant_message":{{Reply}} }""";

    /// <summary>By operation: the body that is sent, null for none, and the one that comes back.</summary>
    public static IReadOnlyDictionary<string, (string? Request, string? Response)> ByOperation { get; } =
        new Dictionary<string, (string?, string?)>
        {
            ["register"] = ("""{"email":"ana@example.com","password":"una-clave-larga","name":"Ana"}""", SignIn),
            ["login"] = ("""{"email":"ana@example.com","password":"una-clave-larga"}""", SignIn),
            ["get_me"] = (null, Account),
            ["delete_me"] = ("""{"password":"una-clave-larga"}""", null),
            ["chat"] = ("""{"content":"Hola"}""", $$"""{"session_id":"{{Id}}","user_message":{{Question}},"assistant_message":{{Reply}} }"""),
            ["get_usage"] = (null, Usage),
            ["get_session_usage"] = (null, SessionUsage),
            ["list_models"] = (null, """[{"id":"gpt-4o-mini","is_default":true},{"id":"gpt-4o","is_default":false}]"""),
            ["get_run"] = (null, Run),
            ["list_sessions"] = (null, $"[{Session}]"),
            ["create_session"] = ("""{"title":"Mi conversación"}""", Session),
            ["get_session"] = (null, Session),
            ["replace_session"] = ("""{"title":"Mi conversación"}""", Session),
            ["update_session"] = ("""{"title":"Mi conversación","pinned":true,"temperature":0.3}""", Session),
            ["delete_session"] = (null, Session),
            ["restore_session"] = (null, Session),
            ["list_messages"] = (null, $"[{Question},{Reply}]"),
            ["create_message"] = ("""{"role":"user","content":"Hola"}""", Turn),
            ["get_message"] = (null, Reply),
            ["delete_message"] = (null, Reply),
            ["start_session"] = ("""{"title":"Mi conversación","initial_message":"Hola"}""", Session),
            ["replace_message"] = ("""{"content":"Hola de nuevo"}""", Turn),
            ["rate_message"] = ("""{"rating":"up","comment":"Justo lo que buscaba."}""", RatedReply),
            ["delete_feedback"] = (null, Reply),
            ["show_branch"] = ($$"""{"message_id":"{{ReplyId}}"}""", Reply),
            ["edit_message"] = ($$"""{"message_id":"{{QuestionId}}","content":"Hola de nuevo"}""", null),
            ["regenerate_reply"] = ($$"""{"message_id":"{{ReplyId}}","temperature":1}""", null),
            ["stream_reply"] = ("""{"content":"Hola, ¿cómo estás?"}""", null),
            ["resume_reply"] = (null, null),
            ["export_session"] = (null, File),
            ["export_all"] = (null, File),
            ["import"] = (File, $$"""{"sessions":1,"messages":2,"ids":["{{Id}}"]}"""),
            ["share_session"] = ("""{"expires_in_days":30}""", $$"""{{ShareFields}},"token":"{{ShareToken}}","url":"https://chat.example.com/shared/{{ShareToken}}"}"""),
            ["list_shares"] = (null, $"[{Share}]"),
            ["delete_share"] = (null, Share),
            ["get_shared"] = (null, Shared),
            ["stream_ui_message"] = ($$"""{"id":"x7Kq2mVb9TzP4dLw","messages":[{{UIQuestion}}],"trigger":"submit-message"}""", null),
            ["resume_ui_message"] = (null, null),
            ["stop_ui_message"] = (null, Run),
            ["get_ui_messages"] = (null, $"[{UIStoredQuestion},{UIReply}]"),
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

    /// <summary>The events of the AI SDK's stream.</summary>
    public static IReadOnlyList<(string Name, string Summary, string Json, int? Seq)> UIEvents { get; } =
    [
        ("start", "The question is stored and the reply is being made.", $$"""{"type":"start","messageId":"{{ReplyId}}"}""", 0),
        ("start-step", "The model is being asked.", """{"type":"start-step"}""", null),
        ("text-start", "Text begins.", """{"type":"text-start","id":"text"}""", null),
        ("text-delta", "More of the text.", """{"type":"text-delta","id":"text","delta":"Hola"}""", 1),
        ("text-end", "The text is over.", """{"type":"text-end","id":"text"}""", null),
        ("finish-step", "The model has ended.", """{"type":"finish-step"}""", null),
        ("finish", "The reply is stored, whole. Then comes data: [DONE].", $$"""{"type":"finish","messageMetadata":{{UIMetadata}} }""", 5),
        ("message-metadata", "How a reply came about that was stopped; abort comes next.",
            """{"type":"message-metadata","messageMetadata":{"status":"stopped","finishReason":"stopped","model":"gpt-4o-mini","usage":{"inputTokens":9,"outputTokens":1,"totalTokens":10,"estimated":true} } }""", 2),
        ("abort", "The reply was stopped; the text so far is stored. Then comes data: [DONE].", """{"type":"abort"}""", null),
        ("error", "The reply was cut short; the text so far is stored. Then comes data: [DONE].",
            """{"type":"error","errorText":"The assistant took too long to answer; please try again."}""", 4),
    ];
}
