namespace ChatApi.Application.Accounts;

/// <summary>What the demo account is signed in with; registered only where that account exists, in development.</summary>
public sealed record DemoSignIn(string Email, string Password);
