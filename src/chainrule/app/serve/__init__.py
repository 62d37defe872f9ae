"""The page where one watches backpropagation work: a server on this machine, and a browser.

=================  ==================================================================
file               idea
=================  ==================================================================
``address``        the URL's state: what is opened, its settings, its changes
``setup``          the settings of an experiment, checked
``worked``         the worked examples as experiments
``material``       what an experiment is made of; a sample or a table as such
``trained_material``  a trained model as such, with examples of its kind
``forecast_material``  a trained forecast as such, with windows of a series
``past``           where the windows of a forecast lie in their series
``shelf``          finds material by name, and keeps what was opened
``program``        a network with its loss and optimiser as a loop that can be run
``course``         where an experiment stands after any number of steps
``frame``          one step as plain data: units, weights, gradients
``about``          the equations of one unit or one edge
``kinds``          one small network of each kind, ready to be watched
``maps``           values of networks that are no chain, as small pictures
``forecasts``      what a forecast says behind a window, and its errors
``surface``        outputs over the plane of two inputs
``plain``          numbers and arrays as JSON has them
``slices``         the loss around a step: along the gradient, over a weight, over a plane
``stream``         training in native code, told while it runs
``claim_view``     printed numbers beside exact ones
``routes``         addresses of the server
``start``          open a port, start the server, open the browser
=================  ==================================================================

Nothing is kept in a session: the page's URL says what is shown, and the server computes it, with
a memory of what it computed before.
"""
