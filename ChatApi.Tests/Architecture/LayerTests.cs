using System.Reflection;
using ChatApi.Application;
using ChatApi.Domain;
using ChatApi.Infrastructure;
using Microsoft.AspNetCore.Mvc;
using NetArchTest.Rules;
using NUnit.Framework;

namespace ChatApi.Tests.Architecture;

/// <summary>Which layer may know which. Each rule first sees that it selected something: a rule about nothing always holds.</summary>
public sealed class LayerTests
{
    private static readonly Assembly Domain = typeof(Run).Assembly;
    private static readonly Assembly Application = typeof(ApplicationServiceCollectionExtensions).Assembly;
    private static readonly Assembly Infrastructure = typeof(InfrastructureServiceCollectionExtensions).Assembly;
    private static readonly Assembly Web = typeof(Program).Assembly;

    private static readonly string[] Frameworks =
        ["Microsoft.AspNetCore", "Npgsql", "Microsoft.Data.Sqlite", "Microsoft.EntityFrameworkCore.Sqlite", "OpenAI", "Azure", "StackExchange.Redis"];

    [Test]
    public void The_domain_knows_the_base_class_library_alone()
    {
        AssertSome(Types.InAssembly(Domain));
        Assert.That(References(Domain), Is.All.StartsWith("System.").Or.EqualTo("mscorlib").Or.EqualTo("netstandard"));
    }

    [Test]
    public void The_application_knows_neither_web_nor_drivers_nor_providers()
    {
        AssertSome(Types.InAssembly(Application));
        AssertNone(Types.InAssembly(Application), [.. Frameworks, "ChatApi.Infrastructure", "ChatApi.Web"]);
        Assert.That(References(Application), Has.None.Matches<string>(name => Frameworks.Any(framework => name.StartsWith(framework, StringComparison.Ordinal))));
    }

    [Test]
    public void The_infrastructure_knows_neither_mvc_nor_the_web_layer()
    {
        AssertSome(Types.InAssembly(Infrastructure));
        AssertNone(Types.InAssembly(Infrastructure), ["Microsoft.AspNetCore.Mvc", "Microsoft.AspNetCore.Http", "ChatApi.Web"]);
    }

    [Test]
    public void All_types_of_the_infrastructure_but_its_registration_are_internal()
    {
        var visible = Infrastructure.GetExportedTypes().Where(type => type.Namespace?.EndsWith(".Migrations", StringComparison.Ordinal) != true);
        Assert.That(visible, Is.EqualTo([typeof(InfrastructureServiceCollectionExtensions)]));
    }

    [Test]
    public void The_web_layer_does_without_the_database_and_the_model()
    {
        AssertSome(Types.InAssembly(Web));
        AssertNone(Types.InAssembly(Web), ["Microsoft.EntityFrameworkCore", "OpenAI", "Npgsql", "Microsoft.Data.Sqlite"]);
    }

    [Test]
    public void Only_the_composition_root_knows_the_infrastructure()
    {
        var others = Types.InAssembly(Web).That().DoNotResideInNamespace("ChatApi.Web.Hosting").And().DoNotHaveName("Program");
        AssertSome(others);
        AssertNone(others, ["ChatApi.Infrastructure"]);
        Assert.That(
            Types.InAssembly(Web).That().HaveDependencyOn("ChatApi.Infrastructure").GetTypes(), Is.Not.Empty,
            "The search must be able to find a dependency.");
    }

    [Test]
    public void Controllers_have_three_dependencies_at_most_and_know_services_alone()
    {
        var controllers = Web.GetTypes().Where(type => type.IsSubclassOf(typeof(ControllerBase))).ToList();
        Assert.That(controllers, Has.Count.GreaterThanOrEqualTo(5));
        Assert.That(controllers.Select(type => type.GetConstructors().Single().GetParameters().Length), Is.All.LessThanOrEqualTo(3));
        AssertNone(Types.InAssembly(Web).That().Inherit(typeof(ControllerBase)), ["ChatApi.Application.Abstractions", "ChatApi.Infrastructure"]);
    }

    [Test]
    public void Services_are_sealed_and_have_no_interface_of_ours()
    {
        var services = Application.GetTypes().Where(type => type.Name.EndsWith("Service", StringComparison.Ordinal)).ToList();
        Assert.That(services, Is.Not.Empty);
        Assert.That(services, Is.All.Property(nameof(Type.IsSealed)).True);
        Assert.That(services.SelectMany(type => type.GetInterfaces()).Where(type => type.Namespace!.StartsWith("ChatApi", StringComparison.Ordinal)), Is.Empty);
    }

    private static IEnumerable<string> References(Assembly assembly) => assembly.GetReferencedAssemblies().Select(reference => reference.Name!);

    private static void AssertSome(Types types) => Assert.That(types.GetTypes(), Is.Not.Empty);

    private static void AssertSome(PredicateList types) => Assert.That(types.GetTypes(), Is.Not.Empty);

    private static void AssertNone(Types types, string[] dependencies) =>
        AssertHolds(types.ShouldNot().HaveDependencyOnAny(dependencies).GetResult());

    private static void AssertNone(PredicateList types, string[] dependencies)
    {
        AssertSome(types);
        AssertHolds(types.ShouldNot().HaveDependencyOnAny(dependencies).GetResult());
    }

    private static void AssertHolds(TestResult result) =>
        Assert.That(result.IsSuccessful, Is.True, () => string.Join(", ", result.FailingTypeNames ?? []));
}
