/** Halves of generated container names; every word matches [a-z]+. */
export const adjectives: readonly string[] = words(`
  able agile airy alert ample apt arctic autumn azure balmy bold brave breezy bright brisk calm candid careful cheery civil
  clear clever coastal cool copper cosy crisp curious daring dapper deft dewy diligent distant dreamy eager early earnest easy
  elegant even exact fair faithful fast fearless festive fine fleet fluent fond frank free fresh frosty gallant gentle gifted
  glad golden graceful grand grateful handy happy hardy hearty helpful honest hopeful humble ideal jaunty jolly jovial joyful
  keen kind lasting level lively loyal lucid lucky lunar mellow merry mighty mindful misty modest nautical neat nifty nimble
  noble northern open orderly patient peaceful playful plucky polite proud prudent quick quiet radiant ready robust rosy rustic
  sandy serene sharp silent silver sincere sleek smooth snug solar solid southern spry stable stately steady sterling sturdy
  sunny supple sure swift tidal tidy timely tranquil trusty upbeat useful valiant vivid warm wise witty zesty
`)

export const surnames: readonly string[] = words(`
  abel agnesi albattani ampere archimedes aryabhata avogadro babbage bardeen bell bernoulli bohr bose boole brahe brahmagupta
  brunel cannon cantor carson cauchy cerf chandrasekhar clarke cockcroft copernicus coulomb crick curie daimler darwin davy
  descartes diesel dijkstra dirac edison ehrlich einstein elion erlang euclid euler fahrenheit faraday fermat fermi feynman
  fibonacci fleming fourier franklin fresnel galileo galois galvani gauss germain goodall guericke gutenberg hamilton hamming
  hawking heisenberg herschel hertz hilbert hodgkin hooke hopper hubble huygens hypatia jacquard jemison joule kalman kelvin
  kepler khayyam kirchhoff knuth kovalevskaya lagrange lamarr laplace lavoisier leakey leavitt leibniz lindbergh linnaeus
  lovelace lumiere mandelbrot marconi maxwell mcclintock meitner mendel mendeleev mercator moser napier nash newton nobel noether
  ohm oppenheimer pascal pasteur pauling perlman planck poincare ptolemy pythagoras raman ramanujan riemann ritchie roentgen
  rubin rutherford sagan sammet shannon siemens snell stokes swan tesla thales thompson torricelli turing tycho villani volta
  wallis watt wiles wilkes wing wozniak wright yalow young zeppelin zuse
`)

function words(text: string): string[] {
  return text.trim().split(/\s+/)
}
