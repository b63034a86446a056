using ChatApi.Tests.Support;
using Microsoft.Playwright;
using NUnit.Framework;
using static Microsoft.Playwright.Assertions;

namespace ChatApi.Tests.Web.DemoPage;

/// <summary>Who comes in, and who does not.</summary>
public sealed class SignInTests : DemoPageSuite
{
    [Test]
    public async Task The_demo_account_is_offered_where_it_exists()
    {
        var page = await OpenAsync();

        await page.Find("#demo-account").ClickAsync();

        await Expect(page.Find("#who")).ToBeVisibleAsync();
    }

    [Test]
    public async Task In_production_no_demo_account_is_offered_on_any_host()
    {
        await using var server = await ChatApiProcess.StartAsync(new Dictionary<string, string?>
        {
            ["ASPNETCORE_ENVIRONMENT"] = "Production",
            ["JWT_SECRET_KEY"] = TestTokens.Key,
        });
        var page = await OpenAsync(server: server);

        var answer = await page.Tab.RunAndWaitForResponseAsync(() => page.Tab.ReloadAsync(), "**/demo-account");
        await Expect(page.Find("#sign-in-form")).ToBeVisibleAsync();

        Assert.That(answer.Status, Is.EqualTo(204));
        await Expect(page.Find("#demo-account")).ToBeHiddenAsync();
    }

    [Test]
    public async Task A_new_account_that_has_to_be_confirmed_first_is_told_so()
    {
        ExpectProblem("401 (Unauthorized)");
        var page = await OpenAsync();
        await page.Tab.RouteAsync("**/api/auth/register", route => route.FulfillAsync(new RouteFulfillOptions
        {
            Status = 401,
            ContentType = "application/problem+json",
            Body = """{"status":401,"error":"The email address is not confirmed yet.","code":"email_not_confirmed"}""",
        }));

        await page.Find("#switch-mode").ClickAsync();
        await page.Find("#email").FillAsync("confirm@example.com");
        await page.Find("#password").FillAsync(Password);
        await page.Find("#sign-in-submit").ClickAsync();

        await Expect(page.Find("#sign-in-notice")).ToContainTextAsync("The account has been created. Confirm your email address");
        await Expect(page.Find("#sign-in-title")).ToHaveTextAsync("Sign in");
    }

    [Test]
    public async Task A_wrong_password_is_told_in_a_sentence()
    {
        ExpectProblem("401 (Unauthorized)");
        var page = await OpenAsync();

        await page.Find("#email").FillAsync("nobody@example.com");
        await page.Find("#password").FillAsync(Password);
        await page.Find("#sign-in-submit").ClickAsync();

        await Expect(page.Find("#sign-in-notice")).ToHaveTextAsync("The email address or the password is wrong.");
        await Expect(page.Find("#chat")).ToBeHiddenAsync();
        await page.KeepPictureAsync("wrong-password");
    }

    [Test]
    public async Task A_weak_password_is_told_at_its_field()
    {
        ExpectProblem("400 (Bad Request)");
        var page = await OpenAsync();

        await page.Find("#switch-mode").ClickAsync();
        await page.Find("#email").FillAsync("weak@example.com");
        await page.Find("#password").FillAsync("short");
        await page.Find("#sign-in-submit").ClickAsync();

        await Expect(page.Find("#password-error")).ToContainTextAsync("8 characters");
        await Expect(page.Find("#password")).ToBeFocusedAsync();
    }

    [Test]
    public async Task A_token_that_is_no_longer_good_leads_back_to_the_form()
    {
        ExpectProblem("401 (Unauthorized)");
        var page = await OpenAsync();
        await RegisterAsync(page);

        await page.Tab.EvaluateAsync("sessionStorage['chatapi.account'] = JSON.stringify({ token: 'x.y.z', user: {} })");
        await page.Tab.ReloadAsync();

        await Expect(page.Find("#sign-in-notice")).ToContainTextAsync("sign in again");
    }
}
