using ChatApi.Application.Abstractions;
using ChatApi.Application.Configuration;
using ChatApi.Infrastructure.Journal;
using Microsoft.Extensions.DependencyInjection;

namespace ChatApi.Infrastructure.Limits;

/// <summary>Registers where it is kept what users and addresses have used.</summary>
internal static class LimitsServiceCollectionExtensions
{
    public static IServiceCollection AddLimitStore(this IServiceCollection services, Settings settings)
    {
        services.AddSingleton<LocalLimitStore>();
        return RedisOptions.AreIn(settings)
            ? AddRedisStore(services)
            : services.AddSingleton<ILimitStore>(provider => provider.GetRequiredService<LocalLimitStore>());
    }

    private static IServiceCollection AddRedisStore(IServiceCollection services)
    {
        services.AddSingleton<RedisLimitStore>();
        services.AddSingleton<ILimitStore>(provider => provider.GetRequiredService<RedisLimitStore>());
        return services.AddHostedService(provider => provider.GetRequiredService<RedisLimitStore>());
    }
}
