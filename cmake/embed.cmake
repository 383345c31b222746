# kopt_embed(<target> <file> <symbol>): compiles the text of <file> (relative to the current folder) into <target> as
#   namespace kopt { extern const std::string_view <symbol>; }
# It is made again whenever the file changes. The text must not hold the two characters )" followed by kopt_embed".
set(KOPT_EMBED_SCRIPT ${CMAKE_CURRENT_LIST_FILE})

function(kopt_embed target file symbol)
  get_filename_component(input ${file} ABSOLUTE BASE_DIR ${CMAKE_CURRENT_SOURCE_DIR})
  set(output ${CMAKE_CURRENT_BINARY_DIR}/embedded_${symbol}.cc)
  add_custom_command(
    OUTPUT ${output}
    COMMAND ${CMAKE_COMMAND} -DINPUT=${input} -DOUTPUT=${output} -DSYMBOL=${symbol} -P ${KOPT_EMBED_SCRIPT}
    DEPENDS ${input} ${KOPT_EMBED_SCRIPT}
    VERBATIM)
  target_sources(${target} PRIVATE ${output})
endfunction()

if(CMAKE_SCRIPT_MODE_FILE STREQUAL CMAKE_CURRENT_LIST_FILE)
  file(READ "${INPUT}" text)
  file(WRITE "${OUTPUT}" "#include <string_view>\n\nnamespace kopt {\n"
       "extern const std::string_view ${SYMBOL};\n"
       "const std::string_view ${SYMBOL} = R\"kopt_embed(${text})kopt_embed\";\n}  // namespace kopt\n")
endif()
