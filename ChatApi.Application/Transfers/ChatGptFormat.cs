using System.Text.Json;
using ChatApi.Application.Sessions;
using ChatApi.Domain;

namespace ChatApi.Application.Transfers;

/// <summary>
/// Reads ChatGPT's <c>conversations.json</c>. Kept is what people and the model said to each other; what was said to tools and by them,
/// and what was never shown, is left out, and what followed it follows the nearest message before it that is kept.
/// </summary>
internal static class ChatGptFormat
{
    private const int MaxTitle = 200;
    private const int MaxModel = 200;
    private const int MaxName = 1000;

    /// <summary>Times before it are mistakes.</summary>
    private static readonly double Earliest = (new DateTime(2000, 1, 1, 0, 0, 0, DateTimeKind.Utc) - DateTime.UnixEpoch).TotalSeconds;

    public static List<ImportedSession> Read(Field file, Guid userId, DateTime now)
    {
        var ids = ImportedSession.NewIds(file.Array().GetArrayLength());
        return [.. file.Items.Zip(ids, (conversation, id) => Read(conversation.Object(), id, userId, now))];
    }

    private static ImportedSession Read(Field field, Guid id, Guid userId, DateTime now)
    {
        var nodes = ReadNodes(field["mapping"]);
        var created = Time(field["create_time"], now);
        var messages = ReadMessages(nodes.Values, field, id, userId, created ?? now, now);
        var first = created ?? messages.Select(message => message.CreatedAt).DefaultIfEmpty(now).Min();
        var last = messages.Select(message => message.CreatedAt).Append(first).Max();
        var title = Title(field["title"]);
        var session = new ChatSession
        {
            Id = id,
            UserId = userId,
            Title = title ?? SessionService.DefaultTitle,
            IsTitleChosen = title is not null,
            IsArchived = field["is_archived"].Value.ValueKind == JsonValueKind.True,
            CreatedAt = first,
            UpdatedAt = Time(field["update_time"], now) ?? last,
            LastMessageAt = last,
        };
        return new ImportedSession(session, messages).Show(End(field["current_node"], nodes) ?? messages.LastOrDefault());
    }

    private static Dictionary<string, Node> ReadNodes(Field mapping)
    {
        var nodes = new Dictionary<string, Node>();
        foreach (var (name, field) in mapping.Fields)
            nodes.Add(name, new Node(name, field.Object()));
        foreach (var node in nodes.Values)
        {
            var parent = node.Field["parent"];
            if (parent.IsNull)
                continue;
            node.Parent = nodes.GetValueOrDefault(parent.Text(MaxName)) ?? throw parent.Wrong("must be the name of a node of the mapping.");
            node.Parent.Children.Add(node);
        }

        foreach (var node in nodes.Values.Where(node => node.Children.Count > 1))
            node.Order();
        return nodes;
    }

    /// <summary>What came first stands first, with all that followed it; a message never stands before the one that it follows.</summary>
    private static List<ChatMessage> ReadMessages(
        ICollection<Node> nodes, Field conversation, Guid sessionId, Guid userId, DateTime created, DateTime now)
    {
        var messages = new List<ChatMessage>();
        var followers = new Followers();
        var ahead = new Stack<Node>(nodes.Where(node => node.Parent is null).Reverse());
        var count = 0;
        for (; ahead.TryPop(out var node); count++)
        {
            var before = node.Parent?.Nearest;
            if (Said(node.Field["message"]) is { } said)
            {
                followers.Add(before, node.Field);
                var message = new ChatMessage
                {
                    Id = Guid.CreateVersion7(),
                    SessionId = sessionId,
                    UserId = userId,
                    ParentId = before?.Id,
                    Position = messages.Count + 1,
                    Role = said.Role,
                    Content = said.Text,
                    CreatedAt = Time(node.Field["message"]["create_time"], now) ?? before?.CreatedAt ?? created,
                    Status = said.Status,
                    FinishReason = said is { Role: MessageRole.Assistant, Status: RunStatus.Completed } ? "stop" : null,
                    Model = said.Model,
                };
                messages.Add(message);
                before = message;
            }

            node.Nearest = before;
            for (var index = node.Children.Count - 1; index >= 0; index--)
                ahead.Push(node.Children[index]);
        }

        return count == nodes.Count ? messages : throw conversation["mapping"].Wrong("has nodes that follow each other in a circle.");
    }

    private static ChatMessage? End(Field current, Dictionary<string, Node> nodes) => current.IsNull
        ? null
        : (nodes.GetValueOrDefault(current.Text(MaxName)) ?? throw current.Wrong("must be the name of a node of the mapping.")).Nearest;

    /// <returns>Null for what is left out.</returns>
    private static Saying? Said(Field message)
    {
        if (message.IsNull)
            return null;
        MessageRole? role = message.Object()["author"].Object()["role"].Text(MaxName) switch
        {
            "user" => MessageRole.User,
            "assistant" => MessageRole.Assistant,
            _ => null,
        };
        var metadata = message["metadata"];
        if (role is null || IsHidden(metadata) || Word(message["recipient"]) is not (null or "all"))
            return null;
        var text = Text(message["content"].Object());
        if (string.IsNullOrWhiteSpace(text))
            return null;
        if (role == MessageRole.User)
            return new(MessageRole.User, text, RunStatus.Completed, null);
        var status = Word(message["status"]) is "in_progress" ? RunStatus.Interrupted
            : Word(Inner(Inner(metadata, "finish_details"), "type")) is "interrupted" ? RunStatus.Stopped
            : RunStatus.Completed;
        return new(MessageRole.Assistant, text, status, Word(Inner(metadata, "model_slug")) is { Length: > 0 and <= MaxModel } model ? model : null);
    }

    private static string Text(Field content)
    {
        if (content["content_type"].Text(MaxName) is not ("text" or "multimodal_text"))
            return content["content_type"].Text(MaxName) == "code" ? content["text"].OptionalText(ImportedSession.MaxContent) ?? "" : "";

        // Pictures and files are not in the export: only their names would be.
        var parts = content["parts"].Items.Select(part => part.Value.ValueKind switch
        {
            JsonValueKind.String => part.Text(ImportedSession.MaxContent),
            JsonValueKind.Object when Word(part["content_type"]) == "audio_transcription" => part["text"].OptionalText(ImportedSession.MaxContent) ?? "",
            _ => "",
        }).Where(part => part.Length > 0);
        var text = string.Join('\n', parts);
        return text.Length <= ImportedSession.MaxContent ? text : throw content["parts"].Wrong($"may have {ImportedSession.MaxContent} characters at most.");
    }

    private static bool IsHidden(Field metadata) => Inner(metadata, "is_visually_hidden_from_conversation").Value.ValueKind == JsonValueKind.True;

    /// <summary>A field of what may be no object: nothing is lost if it is none.</summary>
    private static Field Inner(Field field, string name) => field.Value.ValueKind == JsonValueKind.Object ? field[name] : Field.Root(default);

    private static string? Word(Field field) => field.Value.ValueKind == JsonValueKind.String ? field.Text(MaxName) : null;

    private static string? Title(Field field)
    {
        if (field.IsNull)
            return null;
        var title = string.Concat(field.Text(ImportedSession.MaxContent).Select(letter => char.IsControl(letter) ? ' ' : letter)).Trim();
        if (title.Length > MaxTitle)
            title = title[..(char.IsHighSurrogate(title[MaxTitle - 1]) ? MaxTitle - 1 : MaxTitle)];
        return title.Length == 0 ? null : title;
    }

    /// <summary>Seconds since 1970, with a fraction; null for none, or for a mistake.</summary>
    private static DateTime? Time(Field field, DateTime now) =>
        field.OptionalNumber() is { } seconds && seconds >= Earliest && seconds <= (now.AddDays(1) - DateTime.UnixEpoch).TotalSeconds
            ? DateTime.UnixEpoch.AddTicks((long)Math.Round(seconds * 1_000_000) * TimeSpan.TicksPerMicrosecond)
            : null;

    private sealed record Saying(MessageRole Role, string Text, RunStatus Status, string? Model);

    private sealed class Node(string name, Field value)
    {
        public Field Field => value;

        public Node? Parent { get; set; }

        public List<Node> Children { get; private set; } = [];

        /// <summary>Its message, or the nearest one before it that is kept.</summary>
        public ChatMessage? Nearest { get; set; }

        /// <summary>Its children in its own order, and those that it does not name after them.</summary>
        public void Order()
        {
            if (value["children"].Value.ValueKind != JsonValueKind.Array)
                return;
            var places = new Dictionary<string, int>();
            foreach (var child in value["children"].Items)
                places.TryAdd(child.Text(MaxName), places.Count);
            Children = [.. Children.OrderBy(child => places.GetValueOrDefault(child.Name, int.MaxValue))];
        }

        private string Name => name;
    }
}
