using ChatApi.Application.Abstractions;
using ChatApi.Application.Errors;
using Microsoft.EntityFrameworkCore;

namespace ChatApi.Infrastructure.Persistence;

internal sealed class ChatDbContextFactory<TContext>(IDbContextFactory<TContext> pool) : IChatDbContextFactory
    where TContext : ChatDbContext
{
    public IChatDbContext Create() => pool.CreateDbContext();

    public UnavailableException? Explain(Exception exception) => DatabaseErrors.Explain(exception);
}
