namespace ChatApi.Application.Abstractions;

/// <summary>Counts tokens as the model does, or nearly so.</summary>
public interface ITokenCounter
{
    /// <summary>The number of tokens of <paramref name="text"/>; 0 for an empty one.</summary>
    int Count(string text);
}
