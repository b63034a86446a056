using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace ChatApi.Infrastructure.Persistence.Postgres.Migrations
{
    /// <inheritdoc />
    public partial class LeasesWithoutIndex : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropIndex(
                name: "ix_runs_lease_expires_at",
                schema: "chat",
                table: "runs");
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.CreateIndex(
                name: "ix_runs_lease_expires_at",
                schema: "chat",
                table: "runs",
                column: "lease_expires_at",
                filter: "status = 'running'");
        }
    }
}
