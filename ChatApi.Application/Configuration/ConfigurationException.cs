namespace ChatApi.Application.Configuration;

/// <summary>A setting with which ChatApi cannot start. The message is one sentence that names the variable, never its value.</summary>
public sealed class ConfigurationException(string message) : Exception(message);
