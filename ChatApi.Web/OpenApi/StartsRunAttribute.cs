namespace ChatApi.Web.OpenApi;

/// <summary>Marks what makes the model reply, and so can fail as a model can.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class StartsRunAttribute : Attribute;
