using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace ChatApi.Infrastructure.Persistence.Postgres.Migrations;

/// <summary>No change of the model, and so no designer file.</summary>
[DbContext(typeof(PostgresChatDbContext))]
[Migration("20261126222000_OwnRowsForDataApi")]
internal sealed class OwnRowsForDataApi : Migration
{
    /// <inheritdoc/>
    protected override void Up(MigrationBuilder migrationBuilder) => migrationBuilder.SetDataApiRights();
}
