using System.Text.Json;
using ChatApi.Application.Errors;
using ChatApi.Application.Runs;
using ChatApi.Application.Sessions;
using ChatApi.Domain;

namespace ChatApi.Application.Transfers;

/// <summary>Reads what exports write (docs/export.schema.json).</summary>
public sealed class OwnFormat(SettingsRules rules, Models models, TurnOptions options)
{
    private const int MaxId = 100;
    private const int MaxTitle = 200;
    private const int MaxComment = 2000;
    private const int MaxModel = 200;
    private const int MaxFinishReason = 64;
    private const int MaxStop = 4096;

    internal List<ImportedSession> Read(Field file, Guid userId, DateTime now)
    {
        var version = file["version"];
        if (version.Value.ValueKind != JsonValueKind.Number || !version.Value.TryGetInt32(out var number) || number != ExportedSession.Version)
            throw version.Wrong($"must be {ExportedSession.Version}: other files are none of ours, or of a version that is not known here.");
        var ids = ImportedSession.NewIds(file["sessions"].Array().GetArrayLength());
        return [.. file["sessions"].Items.Zip(ids, (session, id) => Read(session.Object(), id, userId, now))];
    }

    private ImportedSession Read(Field field, Guid id, Guid userId, DateTime now)
    {
        var messages = ReadMessages(field["messages"], id, userId, now, out var last);
        var created = field["created_at"].Time(now);
        var settings = ReadSettings(field);
        var session = new ChatSession
        {
            Id = id,
            UserId = userId,
            Title = settings.Title!,
            IsTitleChosen = field["title_chosen"].Flag(true),
            Settings = settings.ToSettings(),
            Metadata = settings.MetadataText(),
            IsPinned = field["pinned"].Flag(false),
            IsArchived = field["archived"].Flag(false),
            CreatedAt = created,
            UpdatedAt = Optional(field["updated_at"], now) ?? created,
            LastMessageAt = Optional(field["last_message_at"], now) ?? messages.Select(message => message.CreatedAt).Append(created).Max(),
        };
        return new ImportedSession(session, messages).Show(last);
    }

    /// <summary>What is not to be had here, a model or so long a reply, is left to the defaults: the conversation itself is worth more.</summary>
    private CreateSessionRequest ReadSettings(Field field)
    {
        var title = field["title"].Text(MaxTitle);
        if (string.IsNullOrWhiteSpace(title) || !Validation.HasNoControlCharacters(title))
            throw field["title"].Wrong("must be a text without control characters.");
        var model = field["model"].OptionalText(MaxModel);
        var length = field["max_output_tokens"];
        var request = new CreateSessionRequest(title)
        {
            Model = models.Has(model) ? model : null,
            SystemPrompt = field["system_prompt"].OptionalText(Validation.MaxContentLength),
            Temperature = field["temperature"].OptionalNumber(),
            MaxOutputTokens = length.IsNull ? null : Math.Min(length.Count(), options.MaxOutputTokens),
            TopP = field["top_p"].OptionalNumber(),
            Stop = field["stop"].IsNull ? null : [.. field["stop"].Items.Select(stop => stop.Text(MaxStop))],
            Metadata = ReadMetadata(field["metadata"]),
        };
        try
        {
            rules.Check(request);
            return request;
        }
        catch (InvalidRequestException exception) when (exception.Errors?.Keys.FirstOrDefault() is { } name)
        {
            throw field[name].Wrong($"is not valid: {exception.Message}");
        }
    }

    private static List<ChatMessage> ReadMessages(Field field, Guid sessionId, Guid userId, DateTime now, out ChatMessage? last)
    {
        var messages = new List<ChatMessage>(field.Array().GetArrayLength());
        var byOldId = new Dictionary<string, ChatMessage>(messages.Capacity);
        var followers = new Followers();
        last = null;
        foreach (var item in field.Items)
        {
            var parent = item.Object()["parent_id"].OptionalText(MaxId) is not { } parentId ? null
                : byOldId.TryGetValue(parentId, out var known) ? known
                : throw item["parent_id"].Wrong("must be the id of a message that stands before it.");
            followers.Add(parent, item["parent_id"]);
            var message = ReadMessage(item, now, sessionId, userId, parent, messages.Count + 1);
            if (!byOldId.TryAdd(item["id"].Text(MaxId), message))
                throw item["id"].Wrong("must be an id of its own.");
            messages.Add(message);
            if (item["on_branch"].Flag(true))
                last = message;
        }

        return messages;
    }

    private static ChatMessage ReadMessage(Field item, DateTime now, Guid sessionId, Guid userId, ChatMessage? parent, int position)
    {
        var role = Validation.ParseRole(item["role"].Word("user", "assistant"))!.Value;
        var content = item["content"].Text(ImportedSession.MaxContent, ErrorCodes.ContentTooLong);
        if (role == MessageRole.User && string.IsNullOrWhiteSpace(content))
            throw item["content"].Wrong("must have some text.", ErrorCodes.ContentRequired);
        return new()
        {
            Id = Guid.CreateVersion7(),
            SessionId = sessionId,
            UserId = userId,
            ParentId = parent?.Id,
            Position = position,
            Role = role,
            Content = content,
            CreatedAt = item["created_at"].Time(now),
            Status = item["status"].IsNull ? RunStatus.Completed
                : Enum.Parse<RunStatus>(item["status"].Word("completed", "stopped", "failed", "interrupted"), ignoreCase: true),
            FinishReason = item["finish_reason"].OptionalText(MaxFinishReason),
            Model = item["model"].OptionalText(MaxModel),
            Usage = item["usage"].IsNull ? null : ReadUsage(item["usage"].Object()),
            Feedback = item["feedback"].IsNull ? null : ReadFeedback(item["feedback"].Object(), now),
            Metadata = ReadMetadata(item["metadata"])?.GetRawText(),
        };
    }

    private static TokenUsage ReadUsage(Field usage)
    {
        var (prompt, completion) = (usage["prompt_tokens"].Count(), usage["completion_tokens"].Count());
        return prompt <= int.MaxValue - completion
            ? new(prompt, completion, usage["estimated"].Flag(false))
            : throw usage.Wrong("has too many tokens.");
    }

    private static Feedback ReadFeedback(Field feedback, DateTime now) => new(
        Enum.Parse<Rating>(feedback["rating"].Word("up", "down"), ignoreCase: true),
        feedback["comment"].OptionalText(MaxComment), feedback["rated_at"].Time(now));

    private static JsonElement? ReadMetadata(Field metadata)
    {
        if (metadata.IsNull)
            return null;
        if (!Validation.IsMetadata(metadata.Object().Value))
            throw metadata.Wrong($"may have {Validation.MaxMetadataBytes} bytes and {Validation.MaxMetadataDepth} levels at most.");
        return metadata.Value;
    }

    private static DateTime? Optional(Field time, DateTime now) => time.IsNull ? null : time.Time(now);
}
