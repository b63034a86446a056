namespace ChatApi.Web.OpenApi;

/// <summary>Marks what makes the model reply: it can fail as a model can, and heeds an <c>Idempotency-Key</c>.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class StartsRunAttribute : Attribute;
