# migrations/NNNN_name/{sqlite,postgres}.{up,down}.sql become string literals of the binary, in order,
# so that a binary carries exactly the schema it was built for.
file(GLOB migration_files CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/migrations/*/*.sql)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${migration_files})
set(NRL_MIGRATIONS_SOURCE ${CMAKE_BINARY_DIR}/generated/migrations.cpp)

file(GLOB migration_dirs ${CMAKE_SOURCE_DIR}/migrations/*)
list(SORT migration_dirs)
set(entries "")
foreach(dir IN LISTS migration_dirs)
  if(IS_DIRECTORY ${dir})
    get_filename_component(name ${dir} NAME)
    foreach(dialect sqlite postgres)
      file(READ ${dir}/${dialect}.up.sql up)
      file(READ ${dir}/${dialect}.down.sql down)
      string(APPEND entries "    {\"${name}\", \"${dialect}\", R\"NRLSQL(${up})NRLSQL\", R\"NRLSQL(${down})NRLSQL\"},\n")
    endforeach()
  endif()
endforeach()
file(CONFIGURE OUTPUT ${NRL_MIGRATIONS_SOURCE} @ONLY CONTENT
"// Made by cmake/embed_migrations.cmake from migrations/.
#include \"platform/sql/migrations.hpp\"

namespace narralytica::platform {

const std::vector<Migration>& EmbeddedMigrations() {
  static const std::vector<Migration> migrations{
@entries@  };
  return migrations;
}

}  // namespace narralytica::platform
")
